package stream

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Status says how full the streams are and what is not processed yet.
type Status struct {
	Streams []Usage
	Intake  Backlog
	Groups  []Backlog
}

// Usage is how full a stream is.
type Usage struct {
	Name            string
	Messages, Bytes uint64
	// MaxBytes is the most it may hold.
	MaxBytes int64
	// First and Last are when the oldest and the newest message were stored, zero in an empty stream.
	First, Last time.Time
}

// Backlog is what a consumer, or all of a group's together, has still to do.
type Backlog struct {
	// Name is the group's, or "intake".
	Name string
	// Waiting counts what was not handed out yet, UnderWay what was and is not acknowledged.
	Waiting, UnderWay uint64
	// Workers is the most workers that are asking one of the consumers for more.
	Workers int
}

// Status looks at all streams and consumers.
func (s *Streams) Status(ctx context.Context) (Status, error) {
	var status Status
	for _, name := range []string{Notifications, Events, DeadLetters, Rejections, Alerts} {
		opened, err := s.js.Stream(ctx, name)
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			continue
		}
		if err != nil {
			return Status{}, fmt.Errorf("open stream %s: %w", name, err)
		}
		status.Streams = append(status.Streams, usage(opened.CachedInfo()))
		if err := status.addConsumers(ctx, opened); err != nil {
			return Status{}, err
		}
	}
	return status, nil
}

func (status *Status) addConsumers(ctx context.Context, opened jetstream.Stream) error {
	if name := opened.CachedInfo().Config.Name; name != Notifications && name != Events {
		return nil
	}
	var consumers []*jetstream.ConsumerInfo
	lister := opened.ListConsumers(ctx)
	for info := range lister.Info() {
		consumers = append(consumers, info)
	}
	if err := lister.Err(); err != nil && !errors.Is(err, jetstream.ErrEndOfData) {
		return fmt.Errorf("list consumers: %w", err)
	}
	if opened.CachedInfo().Config.Name == Notifications {
		status.Intake = backlog("intake", consumers)
		return status.addUnopened(ctx, opened, consumers)
	}
	groups := groupsOf(consumers)
	for _, name := range names(groups) {
		status.Groups = append(status.Groups, backlog(name, groups[name]))
	}
	return nil
}

// addUnopened counts the notifications of shards that no worker has opened yet: without a consumer nothing counts
// as waiting.
func (status *Status) addUnopened(ctx context.Context, opened jetstream.Stream, consumers []*jetstream.ConsumerInfo) error {
	shards, _ := strconv.Atoi(opened.CachedInfo().Config.Metadata[metadataShards]) // Checked when it was opened.
	for shard := range shards {
		if slices.ContainsFunc(consumers, func(info *jetstream.ConsumerInfo) bool { return info.Name == intakeName(shard) }) {
			continue
		}
		info, err := opened.Info(ctx, jetstream.WithSubjectFilter("in."+strconv.Itoa(shard)+".>"))
		if err != nil {
			return fmt.Errorf("count shard %d: %w", shard, err)
		}
		for _, count := range info.State.Subjects {
			status.Intake.Waiting += count
		}
	}
	return nil
}

func usage(info *jetstream.StreamInfo) Usage {
	u := Usage{
		Name: info.Config.Name, Messages: info.State.Msgs, Bytes: info.State.Bytes, MaxBytes: info.Config.MaxBytes,
	}
	if u.Messages > 0 {
		u.First, u.Last = info.State.FirstTime, info.State.LastTime
	}
	return u
}

func backlog(name string, consumers []*jetstream.ConsumerInfo) Backlog {
	b := Backlog{Name: name}
	for _, info := range consumers {
		b.Waiting += info.NumPending
		b.UnderWay += uint64(info.NumAckPending) //nolint:gosec // Not negative.
		b.Workers = max(b.Workers, info.NumWaiting)
	}
	return b
}
