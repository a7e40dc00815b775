package admin

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/internal/wire"
)

// Progress says what the streams hold and how far everybody is.
type Progress struct {
	// At is when the streams were looked at, by the store's clock.
	At time.Time
	// Notifications and the others are what the streams hold. Those that an older Sluice did not make are zero.
	Notifications, Events, Retries, DeadLetters, Operations Extent
	// Window is how long the key of an event is remembered.
	Window time.Duration
	// Intake has a floor for each shard: what is in the shard up to that sequence became an event or a dead letter, or
	// was a duplicate. It is 0 for a shard that was never taken in.
	Intake []uint64
	// Groups are all groups, by name.
	Groups []GroupProgress
}

// GroupProgress says how far a group is.
type GroupProgress struct {
	Name string
	// Floors has a floor for each lane: the group let go of what is in the lane up to that sequence.
	Floors []uint64
}

// Extent is what a stream holds.
type Extent struct {
	// Created is when the stream was made.
	Created time.Time
	// First is the sequence of the oldest message that is there, or the one behind Last in an empty stream. Last is
	// the sequence of the newest one that was ever there.
	First, Last uint64
	// FirstAt is when the oldest message was stored, zero in an empty stream.
	FirstAt time.Time
	// Messages and Bytes are what is there, MaxBytes is the most it may be and MaxAge how long a message may stay,
	// where that is bounded.
	Messages, Bytes uint64
	MaxBytes        int64
	MaxAge          time.Duration
}

// Progress looks at the streams and their consumers. Floors are read before the ends of the streams behind them, so
// that everything up to a shard's floor has its event at or below the last event told.
func (s *Client) Progress(ctx context.Context) (Progress, error) {
	progress := Progress{Intake: make([]uint64, s.shards)}
	intakes, err := s.core.Consumers(ctx, stream.Notifications)
	if err != nil {
		return Progress{}, err
	}
	for shard := range progress.Intake {
		i := slices.IndexFunc(intakes, func(info *jetstream.ConsumerInfo) bool { return info.Name == wire.IntakeName(shard) })
		if i >= 0 {
			progress.Intake[shard] = intakes[i].AckFloor.Stream
		}
	}
	handling, err := s.core.Consumers(ctx, stream.Events)
	if err != nil {
		return Progress{}, err
	}
	groups := stream.GroupsOf(handling)
	for _, name := range slices.Sorted(maps.Keys(groups)) {
		progress.Groups = append(progress.Groups, GroupProgress{Name: name, Floors: s.floors(groups[name])})
	}
	return progress, s.addExtents(ctx, &progress)
}

// floors returns the floor of each lane: that of the consumer which has it.
func (s *Client) floors(consumers []*jetstream.ConsumerInfo) []uint64 {
	floors := make([]uint64, s.lanes)
	for lane := range floors {
		covered := false
		for _, info := range consumers {
			switch {
			case !stream.CoversLane(info, lane):
			case !covered:
				floors[lane], covered = stream.DoneOf(info, lane), true
			default:
				floors[lane] = min(floors[lane], stream.DoneOf(info, lane))
			}
		}
	}
	return floors
}

// addExtents adds what the streams hold. Those that came with a later version may be missing where an older one made the
// streams; NOTIFICATIONS and EVENTS may not.
func (s *Client) addExtents(ctx context.Context, progress *Progress) error {
	for _, held := range []struct {
		name   string
		extent *Extent
	}{
		{stream.Notifications, &progress.Notifications},
		{stream.Events, &progress.Events},
		{stream.Retries, &progress.Retries},
		{stream.DeadLetters, &progress.DeadLetters},
		{stream.Operations, &progress.Operations},
	} {
		opened, err := s.core.Stream(ctx, held.name)
		if errors.Is(err, jetstream.ErrStreamNotFound) && held.name != stream.Notifications && held.name != stream.Events {
			continue
		}
		if err != nil {
			return err
		}
		info := opened.CachedInfo()
		*held.extent = extentOf(info)
		if held.name == stream.Events {
			progress.At, progress.Window = info.TimeStamp, info.Config.Duplicates
		}
	}
	return nil
}

func extentOf(info *jetstream.StreamInfo) Extent {
	extent := Extent{
		Created: info.Created, First: max(info.State.FirstSeq, 1), Last: info.State.LastSeq,
		Messages: info.State.Msgs, Bytes: info.State.Bytes,
		MaxBytes: max(info.Config.MaxBytes, 0), MaxAge: info.Config.MaxAge,
	}
	if extent.Messages > 0 {
		extent.FirstAt = info.State.FirstTime
	} else {
		extent.First = extent.Last + 1
	}
	return extent
}
