package intake

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/service"
	"sluice.internal/shared/source"
	"sluice.internal/shared/stream/consume"
)

// formerOrder keeps the order of chats while a shard goes over to another version of the keys, which spells some chats
// otherwise, so that their events are in another lane from then on: what is in the lane of before has to be handled first. The
// shard's first notification with the new keys waits for that, and those behind it. For nearly all there is nothing to wait for:
// only events count that a group has still to handle and that would be in another lane now.
//
// A group that nobody serves must not hold up the intake. It is waited for as long as it gets on, and no longer than
// formerWait; after that its chats with such spellings may have newer events handled before older ones.
type formerOrder struct {
	streams   *consume.Client
	providers map[string]source.Provider
	// moved has the last event of each lane that would be in another one now; nil until it was looked for.
	moved map[int]uint64
	// begun is when the waiting began, progress when a group was seen to get on, and floors how far they were.
	begun, progress time.Time
	floors          map[string]uint64
}

const (
	// formerPause is the time between two looks, formerStill for how long a group may make no progress.
	formerPause = time.Second
	formerStill = time.Minute
	formerWait  = 15 * time.Minute
)

// holds reports whether the order holds when the shard goes over now. Waiting names the groups that it waits for.
func (f *formerOrder) holds(ctx context.Context) (ok bool, waiting []string, err error) {
	groups, err := f.streams.LetGo(ctx)
	if err != nil {
		return false, nil, err
	}
	if f.moved == nil {
		if err := f.look(ctx, groups); err != nil {
			return false, nil, err
		}
	}
	done := map[string]uint64{}
	for _, name := range slices.Sorted(maps.Keys(groups)) {
		for lane, last := range f.moved {
			done[name] += groups[name][lane]
			if groups[name][lane] < last && !slices.Contains(waiting, name) {
				waiting = append(waiting, name)
			}
		}
	}
	if !maps.Equal(done, f.floors) {
		f.floors, f.progress = done, time.Now()
	}
	return len(waiting) == 0, waiting, nil
}

// isTooLong reports whether the groups are not worth waiting for any more.
func (f *formerOrder) isTooLong() bool {
	return time.Since(f.progress) > formerStill || time.Since(f.begun) > formerWait
}

// look finds the events that some group has still to handle and that would be in another lane now. Without groups there are
// none: whoever comes later begins with the oldest event.
func (f *formerOrder) look(ctx context.Context, groups map[string][]uint64) error {
	first, err := f.firstUnprocessed(ctx, groups)
	if err != nil {
		return err
	}
	moved := map[int]uint64{}
	if first > 0 {
		_, err = f.streams.EachEvent(ctx, first, func(event *notification.Event) {
			if f.isMoved(event) {
				moved[event.Lane] = event.Sequence
			}
		})
	}
	if err != nil {
		return err
	}
	f.moved, f.begun, f.progress = moved, time.Now(), time.Now()
	return nil
}

// firstUnprocessed returns the first event that some group has still to handle, 0 when there is none. A lane's floor moves over its own
// events alone, so that of a quiet lane says nothing about where to begin.
func (f *formerOrder) firstUnprocessed(ctx context.Context, groups map[string][]uint64) (first uint64, err error) {
	for lane := range f.streams.Lanes() {
		floor, found := uint64(0), false
		for _, floors := range groups {
			if !found || floors[lane] < floor {
				floor, found = floors[lane], true
			}
		}
		if !found {
			return 0, nil
		}
		next, err := f.streams.NextEvent(ctx, lane, floor+1)
		if err != nil {
			return 0, err
		}
		if next > 0 && (first == 0 || next < first) {
			first = next
		}
	}
	return first, nil
}

// isMoved reports whether an event would be in another lane now.
func (f *formerOrder) isMoved(event *notification.Event) bool {
	n := &notification.Notification{Origin: event.Origin, Type: event.Type, Instance: event.Instance}
	read, fault := source.Interpret(f.providers, n)
	if fault != nil {
		return false // What comes now of its kind is no event.
	}
	now, err := f.streams.NewEvent(n, read.Identity)
	return err == nil && now.Lane != event.Lane
}

// cross takes a batch in with which the shard goes over to the present keys: what is former at once, the rest when the order
// holds. Until then it has the rest handed out again.
func (s *shardIntake) cross(stopping, finishing context.Context, intake *consume.Intake, batch []consume.Received, former int) error {
	if former > 0 {
		if err := s.processAny(stopping, finishing, batch[:former]); err != nil {
			return err
		}
	}
	if s.order == nil {
		s.order = &formerOrder{streams: s.Streams, providers: s.Providers}
	}
	ok, waiting, err := s.order.holds(stopping)
	switch {
	case err != nil:
		return err
	case !ok && !s.order.isTooLong():
		s.Log.Debug("shard waits for groups to handle what is in lanes of before", "shard", s.shard, "groups", waiting)
		if err := service.Sleep(stopping, formerPause); err != nil {
			return err
		}
		return intake.Again(finishing)
	case !ok:
		s.Log.Warn("shard goes on with the present keys although groups have events of before to handle; some chats may be handled out of order",
			"shard", s.shard, "groups", fmt.Sprint(waiting))
	}
	intake.Cross()
	return s.processAny(stopping, finishing, batch[former:])
}
