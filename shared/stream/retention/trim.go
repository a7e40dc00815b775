package retention

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/shared/config"
	"sluice.internal/shared/stream"
)

// Trimmed says what a pass took out of the streams.
type Trimmed struct{ Notifications, Events Cut }

// Cut is what a pass took out of one stream.
type Cut struct {
	Messages uint64
	// Bytes is about how many, since the server tells only the messages.
	Bytes uint64
	// First is when the oldest message was stored that is left, zero in an empty stream.
	First time.Time
	// HeldBy names who has not processed a message that would have gone, empty when nobody.
	HeldBy string
	// Early says that messages went that were to be kept longer, for lack of capacity.
	Early bool
}

const (
	// highShare is the share of a stream's capacity from which on processed messages go early, and targetShare the share
	// that is aimed at.
	highShare   = 0.90
	targetShare = 0.80
	// maxSteps is how often at most a pass takes messages out for lack of capacity. How large they are is known on
	// the average only, so each step takes out three quarters of what seems to be too much.
	maxSteps = 3
	// worthwhile is the part of a stream, one in so many messages, that has to be over its time before it is taken
	// out. A purge stops all writing for a moment that depends little on how much it takes out: 20 to 200 ms with
	// one group, half a second with ten.
	worthwhile = 200

	// purgeTimeout bounds one purge. A large one takes the server seconds, in which the stream takes nothing.
	purgeTimeout = 30 * time.Second
)

// Trim takes out of NOTIFICATIONS and EVENTS what is processed and was kept long enough, oldest first. When a
// stream has nearly no capacity left, what is processed goes earlier: notifications at any age, events when they are
// older than the duplicate window. What is not processed stays, whatever the capacity: a notification until the intake
// of its shard has acknowledged it, an event until every group has. A shard that was never taken in and a group
// that lacks a lane have processed nothing, and without any group every event stays.
//
// Of the configuration it reads how long notifications and events stay after they were processed, counted from when they
// were stored. Events stay for the stream's duplicate window at least, whatever is configured.
//
// A group that is made while a pass runs may find that messages go which it has not seen, as if it had been made
// just after. Any number of processes may run passes at the same time.
func Trim(ctx context.Context, client *stream.Client, streams config.Streams) (Trimmed, error) {
	var trimmed Trimmed
	var notifications, events error
	trimmed.Notifications, notifications = trim(ctx, client, stream.Notifications, streams.Notifications.Keep)
	trimmed.Events, events = trim(ctx, client, stream.Events, streams.Events.Keep)
	return trimmed, errors.Join(notifications, events)
}

func trim(ctx context.Context, client *stream.Client, name string, keep time.Duration) (Cut, error) {
	opened, err := client.JetStream().Stream(ctx, name)
	if err != nil {
		return Cut{}, fmt.Errorf("open stream %s: %w", name, err)
	}
	t := &trimming{client: client, shards: client.Shards(), lanes: client.Lanes(), opened: opened, name: name, info: opened.CachedInfo()}
	cut, err := t.run(ctx, keep)
	if err != nil {
		return cut, fmt.Errorf("trim stream %s: %w", name, err)
	}
	return cut, nil
}

// trimming is a pass over one stream.
type trimming struct {
	client        *stream.Client
	shards, lanes int
	opened        jetstream.Stream
	name          string
	// info is the stream as it was before anything else was looked at: what is stored later is left alone.
	info *jetstream.StreamInfo
}

// run takes out what is both processed and old enough, and where capacity is scarce what is processed alone. The order of
// the steps matters: how far everybody is gets read after what the stream holds, so that what is stored in between is not
// taken for processed.
func (t *trimming) run(ctx context.Context, keep time.Duration) (Cut, error) {
	window := t.window()
	aged, err := t.firstSince(ctx, max(keep, window))
	if err != nil {
		return Cut{}, err
	}
	limit, pressed := aged, t.isFull()
	switch {
	case pressed:
		if limit, err = t.firstSince(ctx, window); err != nil {
			return Cut{}, err
		}
	case !t.isWorthwhile(aged):
		return Cut{First: t.info.State.FirstTime}, nil
	}
	limit, holder, err := t.lowWaterMark(ctx, limit)
	if err != nil {
		return Cut{}, err
	}
	cut := Cut{HeldBy: holder}
	if until := min(aged, limit); t.isWorthwhile(until) {
		err = t.purge(ctx, until, &cut)
	}
	if err == nil && pressed {
		err = t.makeCapacity(ctx, limit, &cut)
	}
	cut.First = t.info.State.FirstTime
	return cut, err
}

// window is the age below which nothing is taken out. The server knows the ids of events after a restart only as
// long as the events are stored.
func (t *trimming) window() time.Duration {
	if t.name == stream.Events {
		return t.info.Config.Duplicates
	}
	return 0
}

// isFull reports whether so much is used that what is processed may go before its time.
func (t *trimming) isFull() bool {
	return share(t.info.State.Bytes, t.info.Config.MaxBytes) > highShare
}

// isWorthwhile reports whether what is before a sequence is enough for a purge, which stops writing for a moment.
func (t *trimming) isWorthwhile(until uint64) bool {
	first := t.info.State.FirstSeq
	return until > first && (until-first)*worthwhile >= t.info.State.Msgs
}

// makeCapacity takes messages below the limit out until there is capacity again.
func (t *trimming) makeCapacity(ctx context.Context, limit uint64, cut *Cut) error {
	for range maxSteps {
		state := t.info.State
		excess := float64(state.Bytes) - targetShare*float64(t.info.Config.MaxBytes)
		if excess <= 0 || state.FirstSeq >= limit {
			return nil
		}
		step := excess * 3 / 4 * float64(state.Msgs) / float64(state.Bytes)
		cut.Early = true
		if err := t.purge(ctx, min(state.FirstSeq+uint64(step)+1, limit), cut); err != nil {
			return err
		}
	}
	return nil
}

// purge takes out all messages before a sequence.
func (t *trimming) purge(ctx context.Context, until uint64, cut *Cut) error {
	before := t.info.State
	if until <= before.FirstSeq {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, purgeTimeout)
	defer cancel()
	var answer struct {
		Purged uint64 `json:"purged"`
	}
	if err := t.ask(ctx, "STREAM.PURGE.", jetstream.StreamPurgeRequest{Sequence: until}, &answer); err != nil {
		return fmt.Errorf("purge up to message %d: %w", until, err)
	}
	cut.Messages += answer.Purged
	cut.Bytes += answer.Purged * (before.Bytes / max(before.Msgs, 1))
	info, err := t.opened.Info(ctx)
	if err != nil {
		return fmt.Errorf("look at it after a purge: %w", err)
	}
	t.info = info
	return nil
}
