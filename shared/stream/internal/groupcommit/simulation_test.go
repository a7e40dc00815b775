package groupcommit_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"sluice.internal/shared/stream/internal/groupcommit"
)

// series is how long a server took, in microseconds, one write after the other.
type series struct {
	single  []int         // of one of many single writes that were sent at the same time
	batches map[int][]int // of a whole batch, by its number of messages
}

// recorded are series of a NATS server with messages of 960 bytes, measured unless they say otherwise.
func recorded() map[string]series {
	return map[string]series{
		// A quiet machine with a disk of common speed: made up from the times that the first guesses stand for.
		"synced": {
			single: []int{350, 341, 362, 355, 348, 377, 339, 352, 346, 368},
			batches: map[int][]int{
				4: {4610, 4540, 4580}, 16: {4840, 4790, 4900}, 64: {5800, 5750, 5910}, 256: {9650, 9590, 9800}, 500: {14500, 14610, 14380},
			},
		},
		// A machine with two processors that eight others keep busy: everything takes long, and at times very long.
		"synced and busy": {
			single: []int{
				1549, 1079, 960, 894, 462, 765, 862, 795, 514, 1692, 1302, 1218, 1491, 570, 574, 853, 649, 960, 1591, 924, 781, 1350, 1739,
				840, 1281, 1410, 859, 1127, 1056, 1152, 1297, 1470, 1246, 1510, 607, 761, 2043, 1076, 345, 1578,
			},
			batches: map[int][]int{
				4:   {16369, 17761, 9326, 6574, 6178, 5487, 5445, 5165, 5409, 5226, 4670, 2741},
				16:  {2672, 3324, 4604, 2977, 2518, 2831, 2595, 2660, 2649, 3043, 2732, 2536},
				64:  {13665, 10458, 16134, 8727, 38814, 19784, 16999, 25638, 4384, 16363, 11481, 5113},
				256: {8032, 11121, 10683, 16091, 15297, 25868, 31668, 7114, 11966, 14574, 17389, 34854},
				500: {20160, 16637, 23771, 19620, 21885, 20527, 11859, 20852, 19852, 13179, 21765, 18144},
			},
		},
		"not synced and busy": {
			single: []int{
				13, 10, 8, 8, 7, 7, 7, 11, 14, 13, 9, 10, 11, 11, 9, 10, 14, 9, 13, 14, 12, 12, 15, 12, 11, 82, 14, 11, 12, 13, 12, 8, 9, 8,
				12, 12, 9, 11, 9, 13,
			},
			batches: map[int][]int{
				4:   {24197, 14290, 12230, 2842, 13560, 10945, 2920, 2669, 2582, 5464, 10098, 11155},
				16:  {13723, 14603, 12263, 16391, 4798, 10146, 4867, 12997, 4592, 3785, 4230, 3905},
				64:  {3208, 3452, 3670, 3156, 8707, 10392, 5116, 4367, 10013, 10531, 21842, 9635},
				256: {13380, 14892, 23829, 28036, 20240, 15718, 13168, 8169, 15403, 18569, 17730, 17942},
				500: {23696, 20984, 12620, 17930, 19151, 16254, 16000, 11190, 16092, 16245, 12106, 14559},
			},
		},
	}
}

// server takes as long as a series says. It writes one thing at a time, as a stream's leader does.
type server struct {
	series series
	turn   chan struct{}
	writes int
}

func (s *server) take(microseconds []int) {
	s.turn <- struct{}{}
	took := microseconds[s.writes%len(microseconds)]
	s.writes++
	time.Sleep(time.Duration(took) * time.Microsecond) // The bubble's clock.
	<-s.turn
}

func (s *server) write(context.Context, int) (int, error) {
	s.take(s.series.single)
	return 0, nil
}

// writeBatch takes as long as the smallest recorded batch that is as large.
func (s *server) writeBatch(_ context.Context, messages []int) ([]int, error) {
	for _, size := range []int{4, 16, 64, 256, 500} {
		if len(messages) <= size {
			s.take(s.series.batches[size])
			return messages, nil
		}
	}
	return nil, errors.New("no such batch was recorded")
}

// stored returns how many messages so many callers get stored within the time, each sending its next message when it
// has the answer to the last one.
func stored(t *testing.T, of series, costs *groupcommit.Costs, callers int, warmUp, within time.Duration) int64 {
	t.Helper()
	var count atomic.Int64
	synctest.Test(t, func(t *testing.T) {
		s := &server{series: of, turn: make(chan struct{}, 1)}
		p := groupcommit.New(groupcommit.Store[int, int]{
			Write: s.write, WriteBatch: s.writeBatch, Size: func(int) int { return 960 },
			Repeat: func(ctx context.Context, write func(context.Context, int) (int, error), message int, _ bool) (int, error) {
				return write(ctx, message)
			},
			Ended:       func(ctx context.Context, _ bool) error { return context.Cause(ctx) },
			MayBeStored: func(error) bool { return false },
		}, costs)
		begin := time.Now()
		var group sync.WaitGroup
		for range callers {
			group.Go(func() {
				for time.Since(begin) < warmUp+within {
					if _, err := p.Publish(context.Background(), 1); err != nil {
						t.Error(err)
						return
					}
					if since := time.Since(begin); since > warmUp && since <= warmUp+within {
						count.Add(1)
					}
				}
			})
		}
		group.Wait()
	})
	return count.Load()
}

// The publisher's one promise about cost: whatever the disk and however many callers there are, it is hardly slower
// than the better of the two ways. What it loses is what it costs to find out which that is.
func TestChosenWayIsHardlySlowerThanTheBetterOne(t *testing.T) {
	t.Parallel()
	const warmUp, within = 500 * time.Millisecond, time.Second
	for name, of := range recorded() {
		for _, callers := range []int{1, 8, 32, 256} {
			t.Run(fmt.Sprintf("%s, %d callers", name, callers), func(t *testing.T) {
				t.Parallel()
				single := stored(t, of, groupcommit.SinglesOnly(), callers, warmUp, within)
				batch := stored(t, of, groupcommit.Fixed(2), callers, warmUp, within)
				chosen := stored(t, of, groupcommit.NewCosts(), callers, warmUp, within)
				t.Logf("single %d, batch %d, chosen %d messages a second", single, batch, chosen)
				if better := max(single, batch); chosen < better*8/10 {
					t.Errorf("it stored %d messages, and %d singly, %d in batches", chosen, single, batch)
				}
			})
		}
	}
}
