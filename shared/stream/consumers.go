package stream

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// openConsumer makes a consumer or brings it to its configuration.
func (s *Streams) openConsumer(ctx context.Context, stream string, config jetstream.ConsumerConfig) (jetstream.Consumer, error) {
	return insist(ctx, s.link, func(ctx context.Context) (jetstream.Consumer, error) {
		return s.js.CreateOrUpdateConsumer(ctx, stream, config)
	})
}

// insistTime outlasts the choice of a new leader in a cluster, which takes 4 to 9 s.
const insistTime = 15 * time.Second

// insist asks the server until it answers. A request may stay unanswered while a stream has no leader, and the
// client would wait for as long as its context lasts.
func insist[T any](ctx context.Context, l *link, call func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, insistTime)
	defer cancel()
	for {
		result, err := within(ctx, l, call)
		if err == nil || !transient(err) {
			return result, err
		}
		select {
		case <-ctx.Done():
			return result, err
		case <-time.After(longestPause):
		}
	}
}

func (s *Streams) consumersOf(ctx context.Context, stream string) ([]*jetstream.ConsumerInfo, error) {
	opened, err := s.js.Stream(ctx, stream)
	if err != nil {
		return nil, fmt.Errorf("open stream %s: %w", stream, err)
	}
	return listConsumers(ctx, opened)
}

// listConsumers returns all consumers of the stream. In a cluster the list leaves out who does not answer, and what
// such a consumer has not processed must not go, so that it is an error.
func listConsumers(ctx context.Context, opened jetstream.Stream) ([]*jetstream.ConsumerInfo, error) {
	silent := map[string]bool{}
	lister := opened.ConsumerNames(ctx)
	for name := range lister.Name() {
		silent[name] = true
	}
	if err := lister.Err(); err != nil && !errors.Is(err, jetstream.ErrEndOfData) {
		return nil, fmt.Errorf("list names of consumers: %w", err)
	}
	var consumers []*jetstream.ConsumerInfo
	list := opened.ListConsumers(ctx)
	for info := range list.Info() {
		delete(silent, info.Name)
		consumers = append(consumers, info)
	}
	if err := list.Err(); err != nil && !errors.Is(err, jetstream.ErrEndOfData) {
		return nil, fmt.Errorf("list consumers: %w", err)
	}
	for _, name := range names(silent) {
		consumer, err := opened.Consumer(ctx, name)
		if errors.Is(err, jetstream.ErrConsumerNotFound) {
			continue // It was deleted in between.
		}
		if err != nil {
			return nil, fmt.Errorf("open consumer %s: %w", name, err)
		}
		consumers = append(consumers, consumer.CachedInfo())
	}
	return consumers, nil
}

// groupsOf tells the groups' consumers apart by their metadata.
func groupsOf(consumers []*jetstream.ConsumerInfo) map[string][]*jetstream.ConsumerInfo {
	groups := map[string][]*jetstream.ConsumerInfo{}
	for _, info := range consumers {
		if group := info.Config.Metadata[metadataGroup]; group != "" {
			groups[group] = append(groups[group], info)
		}
	}
	return groups
}

// names returns the keys of a map in order.
func names[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
