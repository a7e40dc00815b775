package retention_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/shared/config"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/consume"
	"sluice.internal/shared/stream/retention"
	"sluice.internal/shared/streamtest"
)

// atOnce lets what is processed go at any age.
var atOnce = keeping(time.Nanosecond, time.Nanosecond)

// keeping returns a configuration with how long processed messages stay.
func keeping(notifications, events time.Duration) config.Streams {
	return streamtest.Configured(func(s *config.Streams) { s.Notifications.Keep, s.Events.Keep = notifications, events })
}

// shortWindow is the shortest duplicate window that the server takes.
const shortWindow = 100 * time.Millisecond

func TestIdleShardsAndLanesHoldNothingBack(t *testing.T) {
	t.Parallel()
	streams, ctx := streamtest.Start(t).Open(t, func(s *config.Streams) { s.Events.DuplicateWindow = shortWindow }), streamtest.Context(t)
	streamtest.Publish(ctx, t, streams, 0, 20) // One instance, so three shards get none.
	streamtest.TakeIn(ctx, t, streams, 20)
	streamtest.PublishEvents(ctx, t, streams, 0, 20) // Three chats, so 61 lanes or more get none.
	handle(ctx, t, streams, "default", 20)
	trimUntil(ctx, t, streams, func() bool {
		return firstSequence(ctx, t, streams, stream.Notifications) == 20 && firstSequence(ctx, t, streams, stream.Events) == 20
	})
}

func TestGroupThatNobodyServesHoldsItsEventsBack(t *testing.T) {
	t.Parallel()
	streams, ctx := streamtest.Start(t).Open(t, streamtest.Lanes(4), func(s *config.Streams) { s.Events.DuplicateWindow = shortWindow }), streamtest.Context(t)
	streamtest.PublishEvents(ctx, t, streams, 0, 5)
	handle(ctx, t, streams, "served", 5)
	trimUntil(ctx, t, streams, func() bool { return firstSequence(ctx, t, streams, stream.Events) == 5 })
	if _, err := streams.Group(ctx, consume.GroupSettings{Name: "unserved"}); err != nil {
		t.Fatal(err)
	}
	streamtest.PublishEvents(ctx, t, streams, 5, 5)
	handle(ctx, t, streams, "served", 5)
	checkHeld(ctx, t, streams, `group "unserved"`)
	handle(ctx, t, streams, "unserved", 6)
	trimUntil(ctx, t, streams, func() bool { return firstSequence(ctx, t, streams, stream.Events) == 10 })
}

// checkHeld waits until events would go and somebody holds them back, and checks that none went.
func checkHeld(ctx context.Context, t *testing.T, streams *streamtest.Streams, holder string) {
	t.Helper()
	before := firstSequence(ctx, t, streams, stream.Events)
	streamtest.Eventually(ctx, t, holder+" to hold events back", func() bool {
		return strings.HasPrefix(trim(ctx, t, streams).Events.HeldBy, holder)
	})
	if got := firstSequence(ctx, t, streams, stream.Events); got != before {
		t.Errorf("the first event is %d, and was %d", got, before)
	}
}

func TestEventsStayWithoutAGroupAndWithHalfAGroup(t *testing.T) {
	t.Parallel()
	streams, ctx := streamtest.Start(t).Open(t, streamtest.Lanes(4), func(s *config.Streams) { s.Events.DuplicateWindow = shortWindow }), streamtest.Context(t)
	streamtest.PublishEvents(ctx, t, streams, 0, 5)
	checkHeld(ctx, t, streams, "all groups that may come")
	makeLane(ctx, t, streams, "half", 1)
	checkHeld(ctx, t, streams, `group "half", which lacks lane 0`)
}

// makeLane makes one lane of a group, as somebody does who is killed before the others.
func makeLane(ctx context.Context, t interface{ Fatal(...any) }, streams *streamtest.Streams, group string, lane int) {
	_, err := streams.JetStream().CreateConsumer(ctx, stream.Events, jetstream.ConsumerConfig{
		Durable: fmt.Sprintf("%s-p%d", group, lane), Description: fmt.Sprintf("hands partition %d to group %s", lane, group),
		FilterSubject: fmt.Sprintf("events.%d.>", lane), DeliverPolicy: jetstream.DeliverAllPolicy,
		AckPolicy: jetstream.AckExplicitPolicy, AckWait: 8 * time.Second, MaxDeliver: -1,
		PriorityPolicy: jetstream.PriorityPolicyPinned, PriorityGroups: []string{"owner"}, PinnedTTL: 6 * time.Second,
		Metadata: map[string]string{"sluice.group": group, "sluice.types": "*"},
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestNotificationsStayUntilEveryShardHasAnIntake(t *testing.T) {
	t.Parallel()
	streams, ctx := streamtest.Start(t).Open(t), streamtest.Context(t)
	streamtest.Publish(ctx, t, streams, 0, 5)
	streamtest.TakeIn(ctx, t, streams, 5)
	if err := streams.JetStream().DeleteConsumer(ctx, stream.Notifications, "shard-2"); err != nil {
		t.Fatal(err)
	}
	cut := trim(ctx, t, streams).Notifications
	if cut.Messages != 0 || cut.HeldBy != "the intake of shard 2, which never ran" {
		t.Errorf("%+v, want nothing trimmed", cut)
	}
	if _, err := streams.Intake(ctx, 2); err != nil {
		t.Fatal(err)
	}
	trimUntil(ctx, t, streams, func() bool { return firstSequence(ctx, t, streams, stream.Notifications) == 5 })
}

func TestProcessedIsKeptForItsTimeWhileThereIsCapacity(t *testing.T) {
	t.Parallel()
	streams, ctx := streamtest.Start(t).Open(t), streamtest.Context(t)
	streamtest.Publish(ctx, t, streams, 0, 5)
	behind := time.Now()
	// Trim looks at the clock later than the test, on a busy machine by so much at the most.
	const apart = 3 * time.Second
	streamtest.Eventually(ctx, t, "time to pass", func() bool { return time.Since(behind) > apart })
	streamtest.Publish(ctx, t, streams, 5, 5)
	streamtest.TakeIn(ctx, t, streams, 10)
	always := func(keep time.Duration) func() time.Duration { return func() time.Duration { return keep } }
	for _, test := range []struct {
		keep  func() time.Duration
		first uint64
	}{
		{always(24 * time.Hour), 1},
		{always(time.Hour), 1},
		{func() time.Duration { return time.Since(behind) }, 6},
		{always(time.Nanosecond), 10},
	} {
		keep := test.keep()
		trimmed, err := retention.Trim(ctx, streams.Client, keeping(keep, 7*24*time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		if got := firstSequence(ctx, t, streams, stream.Notifications); got != test.first {
			t.Errorf("kept for %s: first is %d, want %d; %+v", keep, got, test.first, trimmed.Notifications)
		}
	}
}

func TestTrimSaysWhatItTook(t *testing.T) {
	t.Parallel()
	streams, ctx := streamtest.Start(t).Open(t), streamtest.Context(t)
	streamtest.Publish(ctx, t, streams, 0, 10)
	before := notificationsCapacity(ctx, t, streams)
	streamtest.TakeIn(ctx, t, streams, 10)
	var cut retention.Cut
	streamtest.Eventually(ctx, t, "acknowledgements to arrive", func() bool {
		pass := trim(ctx, t, streams).Notifications
		cut.Messages, cut.Bytes, cut.First = cut.Messages+pass.Messages, cut.Bytes+pass.Bytes, pass.First
		return cut.Messages == 9
	})
	after := notificationsCapacity(ctx, t, streams)
	if gone := before.Bytes - after.Bytes; cut.Bytes < gone*9/10 || cut.Bytes > gone*11/10 || !cut.First.Equal(after.First) {
		t.Errorf("%+v, want %d bytes and first %s", cut, gone, after.First)
	}
}

func trim(ctx context.Context, t *testing.T, streams *streamtest.Streams) retention.Trimmed {
	t.Helper()
	trimmed, err := retention.Trim(ctx, streams.Client, atOnce)
	if err != nil {
		t.Fatal(err)
	}
	return trimmed
}

// trimUntil makes passes until done, since acknowledgements and time pass.
func trimUntil(ctx context.Context, t *testing.T, streams *streamtest.Streams, done func() bool) {
	t.Helper()
	streamtest.Eventually(ctx, t, "what is processed to go", func() bool {
		trim(ctx, t, streams)
		return done()
	})
}

func firstSequence(ctx context.Context, t *testing.T, streams *streamtest.Streams, name string) uint64 {
	t.Helper()
	opened, err := streams.Stream(ctx, name)
	if err != nil {
		t.Fatal(err)
	}
	return opened.CachedInfo().State.FirstSeq
}

// handle has a group handle that many events.
func handle(ctx context.Context, t *testing.T, streams *streamtest.Streams, name string, count int) {
	t.Helper()
	group, err := streams.Group(ctx, consume.GroupSettings{Name: name})
	if err != nil {
		t.Error(err)
		return
	}
	handled := make(chan uint64, count)
	for _, p := range group.Partitions {
		stop := streamtest.Serve(p, func(d *consume.Delivery) {
			if err := d.Done(); err != nil {
				t.Error(err)
			}
			handled <- d.Sequence
		})
		defer stop()
	}
	for i := range count {
		select {
		case <-handled:
		case <-ctx.Done():
			t.Errorf("group %s handled %d events, want %d", name, i, count)
			return
		}
	}
}
