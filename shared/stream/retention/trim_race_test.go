package retention_test

import (
	"context"
	"strconv"
	"sync"
	"testing"

	"sluice.internal/shared/config"
	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/consume"
	"sluice.internal/shared/stream/retention"
	"sluice.internal/shared/streamtest"
)

// TestNothingIsLostWhileAllTrim lets passes of two processes race with publishers, an intake and two groups. What
// is trimmed too early is never handed out.
func TestNothingIsLostWhileAllTrim(t *testing.T) {
	t.Parallel()
	const count = 300
	server := streamtest.Start(t)
	wanted := []streamtest.Change{streamtest.Shards(2), streamtest.Lanes(3), func(s *config.Streams) { s.Events.DuplicateWindow = shortWindow }}
	streams, ctx := server.Open(t, wanted...), streamtest.Context(t)
	for _, group := range []string{"one", "two"} {
		if _, err := streams.Group(ctx, consume.GroupSettings{Name: group}); err != nil {
			t.Fatal(err)
		}
	}
	trimming, stop := context.WithCancel(ctx)
	var passes, work sync.WaitGroup
	for range 2 {
		other := server.Open(t, wanted...)
		passes.Go(func() {
			for trimming.Err() == nil {
				if _, err := retention.Trim(trimming, other.Client, atOnce); err != nil && trimming.Err() == nil {
					t.Error(err)
				}
			}
		})
	}
	work.Go(func() {
		for id := range count {
			n := streamtest.Notification(id)
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
				events = append(events, streamtest.Event(streams, id+i))
			}
			if _, err := streams.PublishEvents(ctx, events); err != nil {
				t.Error(err)
			}
		}
	})
	work.Go(func() { streamtest.TakeIn(ctx, t, streams, count) })
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
	const count = 60
	cluster := streamtest.StartCluster(t)
	streams := cluster.Open(t, streamtest.Shards(2), streamtest.Lanes(2), func(s *config.Streams) { s.Events.DuplicateWindow = shortWindow })
	ctx := streamtest.Context(t)
	running, stop := context.WithCancel(t.Context()) // Without a deadline, as in a process.
	var processes sync.WaitGroup
	var taken, handled tally
	processes.Go(func() {
		for running.Err() == nil {
			_, _ = retention.Trim(running, streams.Client, atOnce)
		}
	})
	processes.Go(func() { takeInAll(running, streams, &taken) })
	processes.Go(func() { handleAll(running, t, streams, &handled) })
	defer processes.Wait()
	defer stop()
	for id := range count {
		n := streamtest.Notification(id)
		n.Instance = strconv.Itoa(id % 7)
		if _, err := streams.PublishNotification(ctx, &n); err != nil {
			t.Error(err)
		}
		if _, err := streams.PublishEvents(ctx, []notification.Event{streamtest.Event(streams, id)}); err != nil {
			t.Error(err)
		}
		if id == count/2 {
			cluster.StopLeader(t, stream.Notifications).Resume(t)
		}
	}
	streamtest.Eventually(ctx, t, "what is processed to go", func() bool {
		return firstSequence(ctx, t, streams, stream.Notifications) == count && firstSequence(ctx, t, streams, stream.Events) == count
	})
	// The newest of each stays, processed or not.
	streamtest.Eventually(ctx, t, "all to be processed", func() bool { return taken.count() == count && handled.count() == count })
}

// takeInAll takes in notifications until the context ends, opening the intakes again whenever they fail, as a worker does. It
// goes on when it has seen all: an acknowledgement that was lost lets one come again.
func takeInAll(ctx context.Context, streams *streamtest.Streams, seen *tally) {
	var group sync.WaitGroup
	for shard := range streams.Shards() {
		group.Go(func() {
			for ctx.Err() == nil {
				if intake, err := streams.Intake(ctx, shard); err == nil {
					takeInShard(ctx, intake, seen)
				}
			}
		})
	}
	group.Wait()
}

// takeInShard takes in a shard until the context ends or something fails.
func takeInShard(ctx context.Context, intake *consume.Intake, seen *tally) {
	for {
		batch, err := intake.Next(ctx)
		if err != nil {
			return
		}
		for i := range batch {
			seen.add(batch[i].RequestID)
			_ = batch[i].Ack() // Else it comes again.
		}
	}
}

// handleAll has a group handle events until the context ends.
func handleAll(ctx context.Context, t *testing.T, streams *streamtest.Streams, seen *tally) {
	t.Helper()
	group, err := streams.Group(ctx, consume.GroupSettings{Name: "default"})
	if err != nil {
		t.Error(err)
		return
	}
	for _, p := range group.Partitions {
		stop := streamtest.Serve(p, func(d *consume.Delivery) {
			seen.add(d.Key)
			_ = d.Done() // Else it comes again.
		}) // It recovers by itself.
		defer stop()
	}
	<-ctx.Done()
}

// tally counts different things.
type tally struct {
	mutex sync.Mutex
	seen  map[string]bool
}

func (c *tally) add(id string) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.seen == nil {
		c.seen = map[string]bool{}
	}
	c.seen[id] = true
}

func (c *tally) count() int {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return len(c.seen)
}
