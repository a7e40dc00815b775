package stream_test

import (
	"context"
	"strconv"
	"sync"
	"testing"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/streamtest"
)

// TestNothingIsLostWhileAllTrim lets passes of two processes race with publishers, an intake and two groups. What
// is trimmed too early is never handed out.
func TestNothingIsLostWhileAllTrim(t *testing.T) {
	t.Parallel()
	const count = 300
	server := streamtest.Start(t)
	settings := stream.Settings{Shards: 2, Lanes: 3, DuplicateWindow: shortWindow}
	streams, ctx := server.Open(t, settings), testContext(t)
	for _, group := range []string{"one", "two"} {
		if _, err := streams.Group(ctx, stream.GroupSettings{Name: group}); err != nil {
			t.Fatal(err)
		}
	}
	trimming, stop := context.WithCancel(ctx)
	var passes, work sync.WaitGroup
	for range 2 {
		other := server.Open(t, settings)
		passes.Go(func() {
			for trimming.Err() == nil {
				if _, err := other.Trim(trimming, atOnce); err != nil && trimming.Err() == nil {
					t.Error(err)
				}
			}
		})
	}
	work.Go(func() {
		for id := range count {
			n := sample(id)
			n.Instance = strconv.Itoa(id % 7)
			if _, err := streams.PublishNotification(ctx, &n); err != nil {
				t.Error(err)
			}
		}
	})
	work.Go(func() {
		for id := 0; id < count; id += 5 {
			var events []notification.Event
			for i := range 5 {
				events = append(events, sampleEvent(streams, id+i))
			}
			if _, err := streams.PublishEvents(ctx, events); err != nil {
				t.Error(err)
			}
		}
	})
	work.Go(func() { takeIn(ctx, t, streams, count) })
	work.Go(func() { handle(ctx, t, streams, "one", count) })
	work.Go(func() { handle(ctx, t, streams, "two", count) })
	work.Wait()
	trimUntil(ctx, t, streams, func() bool {
		return firstSequence(ctx, t, streams, stream.Notifications) == count && firstSequence(ctx, t, streams, stream.Events) == count
	})
	stop()
	passes.Wait()
}

// TestNothingIsLostInAClusterWhileAllTrim stops a stream's leader. Passes may fail meanwhile, and must not take
// for processed what a server of the cluster has just not heard of.
func TestNothingIsLostInAClusterWhileAllTrim(t *testing.T) {
	t.Parallel()
	const count = 200
	cluster := streamtest.StartCluster(t)
	streams := cluster.Open(t, stream.Settings{Shards: 2, Lanes: 2, DuplicateWindow: shortWindow})
	ctx, cancel := context.WithTimeout(t.Context(), 3*patience)
	defer cancel()
	trimming, stop := context.WithCancel(t.Context()) // Without a deadline, as in a process.
	var passes, work sync.WaitGroup
	passes.Go(func() {
		for trimming.Err() == nil {
			_, _ = streams.Trim(trimming, atOnce)
		}
	})
	work.Go(func() {
		for id := range count {
			n := sample(id)
			n.Instance = strconv.Itoa(id % 7)
			if _, err := streams.PublishNotification(ctx, &n); err != nil {
				t.Error(err)
			}
			if _, err := streams.PublishEvents(ctx, []notification.Event{sampleEvent(streams, id)}); err != nil {
				t.Error(err)
			}
			if id == count/2 {
				cluster.StopLeader(t, stream.Notifications).Resume(t)
			}
		}
	})
	work.Go(func() { takeInAll(ctx, t, streams, count) })
	work.Go(func() { handleAll(ctx, t, streams, count) })
	work.Wait()
	eventually(ctx, t, "what is processed to go", func() bool {
		return firstSequence(ctx, t, streams, stream.Notifications) == count && firstSequence(ctx, t, streams, stream.Events) == count
	})
	stop()
	passes.Wait()
}

// takeInAll takes in that many notifications, opening the intakes again whenever they fail, as a worker does.
func takeInAll(ctx context.Context, t *testing.T, streams *stream.Streams, count int) {
	t.Helper()
	taking, done := context.WithCancel(ctx)
	defer done()
	seen := &tally{want: count, done: done}
	var group sync.WaitGroup
	for shard := range streams.Shards() {
		group.Go(func() {
			for taking.Err() == nil {
				if intake, err := streams.Intake(taking, shard); err == nil {
					takeInShard(taking, intake, seen)
				}
			}
		})
	}
	group.Wait()
	seen.check(t)
}

// takeInShard takes in a shard until the context ends or something fails.
func takeInShard(ctx context.Context, intake *stream.Intake, seen *tally) {
	for {
		batch, err := intake.Next(ctx)
		if err != nil {
			return
		}
		for i := range batch {
			_ = batch[i].Ack() // Else it comes again.
			seen.add(batch[i].RequestID)
		}
	}
}

// handleAll has a group handle that many events.
func handleAll(ctx context.Context, t *testing.T, streams *stream.Streams, count int) {
	t.Helper()
	handling, done := context.WithCancel(ctx)
	defer done()
	seen := &tally{want: count, done: done}
	group, err := streams.Group(ctx, stream.GroupSettings{Name: "default"})
	if err != nil {
		t.Error(err)
		return
	}
	for lane := range streams.Lanes() {
		stop, err := group.Queues[lane].Serial(func(d *stream.Delivery) {
			_ = d.Done() // Else it comes again.
			seen.add(d.Key)
		}, func(error) {}) // It recovers by itself.
		if err != nil {
			t.Error(err)
			return
		}
		defer stop()
	}
	<-handling.Done()
	seen.check(t)
}

// tally counts different things up to a number.
type tally struct {
	want  int
	done  func()
	mutex sync.Mutex
	seen  map[string]bool
}

func (c *tally) add(id string) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.seen == nil {
		c.seen = map[string]bool{}
	}
	if c.seen[id] = true; len(c.seen) == c.want {
		c.done()
	}
}

func (c *tally) check(t *testing.T) {
	t.Helper()
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if len(c.seen) != c.want {
		t.Errorf("%d are processed, want %d", len(c.seen), c.want)
	}
}
