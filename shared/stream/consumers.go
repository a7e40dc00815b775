package stream

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/shared/service"
	"sluice.internal/shared/stream/internal/wire"
)

// leaderTimeout outlasts the choice of a new leader in a cluster, which takes 4 to 9 s.
const leaderTimeout = 15 * time.Second

// RetryUntilLeader asks the server until it answers. A request may stay unanswered while a stream has no leader, and the
// client would wait for as long as its context lasts.
func RetryUntilLeader[T any](ctx context.Context, c *Client, call func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, leaderTimeout)
	defer cancel()
	for {
		result, err := UntilDisconnect(ctx, c, call)
		if err == nil || !transient(err) {
			return result, err
		}
		if service.Sleep(ctx, longestPause) != nil {
			return result, err
		}
	}
}

// Repeat is RetryUntilLeader for what has no result and may be done twice.
func Repeat(ctx context.Context, c *Client, call func(context.Context) error) error {
	_, err := RetryUntilLeader(ctx, c, func(ctx context.Context) (struct{}, error) { return struct{}{}, call(ctx) })
	return err
}

// Stream opens a stream as its leader has it. It waits for one that is being chosen, and no longer, however long the context
// lasts.
func (s *Client) Stream(ctx context.Context, name string) (jetstream.Stream, error) {
	opened, err := RetryUntilLeader(ctx, s, func(ctx context.Context) (jetstream.Stream, error) { return s.js.Stream(ctx, name) })
	if err != nil {
		return nil, fmt.Errorf("open stream %s: %w", name, Classify(err))
	}
	return opened, nil
}

// Consumers returns all consumers of a stream.
func (s *Client) Consumers(ctx context.Context, stream string) ([]*jetstream.ConsumerInfo, error) {
	opened, err := s.Stream(ctx, stream)
	if err != nil {
		return nil, err
	}
	return ListConsumers(ctx, opened)
}

// ListConsumers returns all consumers of the stream. In a cluster the list leaves out who does not answer, and what
// such a consumer has not processed must not go, so that it is an error. It takes no longer than the choice of a leader, however
// long the context lasts.
func ListConsumers(ctx context.Context, opened jetstream.Stream) ([]*jetstream.ConsumerInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, leaderTimeout)
	defer cancel()
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
	for _, name := range slices.Sorted(maps.Keys(silent)) {
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

// GroupsOf returns the consumers that hand events to each group, by its name. A group is told by its consumers' metadata. One
// whose consumers of an older version hand out nothing any more, and that has no others yet, is there without consumers: it has
// still to process what they did not.
func GroupsOf(consumers []*jetstream.ConsumerInfo) map[string][]*jetstream.ConsumerInfo {
	groups := map[string][]*jetstream.ConsumerInfo{}
	for _, info := range consumers {
		group, moved := info.Config.Metadata[wire.MetadataGroup], info.Config.Metadata[wire.MetadataMoved]
		if group == "" || moved == wire.MovedGuard {
			continue
		}
		handing := groups[group]
		if moved == "" {
			handing = append(handing, info)
		}
		groups[group] = handing
	}
	return groups
}

// ConsumersOf returns all consumers of a group, also those that hand out nothing.
func ConsumersOf(consumers []*jetstream.ConsumerInfo, group string) (all []*jetstream.ConsumerInfo) {
	for _, info := range consumers {
		if info.Config.Metadata[wire.MetadataGroup] == group {
			all = append(all, info)
		}
	}
	return all
}

// DoneOf returns up to which sequence a consumer is done with a lane that it gets: everything for it up to there is
// acknowledged.
func DoneOf(info *jetstream.ConsumerInfo, lane int) uint64 {
	return max(info.AckFloor.Stream, wire.ReadDone(info.Config.Metadata)[lane])
}

// CoversLane reports whether a consumer gets all events of a lane.
func CoversLane(info *jetstream.ConsumerInfo, lane int) bool {
	return slices.ContainsFunc(FiltersOf(info), func(filter string) bool {
		return filter == ">" || filter == "events.>" || filter == "events."+strconv.Itoa(lane)+".>"
	})
}

// FiltersOf returns the subjects that a consumer gets.
func FiltersOf(info *jetstream.ConsumerInfo) []string {
	switch {
	case info.Config.FilterSubject != "":
		return []string{info.Config.FilterSubject}
	case len(info.Config.FilterSubjects) > 0:
		return info.Config.FilterSubjects
	default:
		return []string{">"}
	}
}

// LookTimeout is how long looking for one message may take.
const LookTimeout = 5 * time.Second
