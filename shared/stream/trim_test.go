package stream_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/streamtest"
)

// atOnce lets what is processed go at any age.
var atOnce = stream.Keep{Notifications: time.Nanosecond, Events: time.Nanosecond}

// shortWindow is the shortest duplicate window that the server takes.
const shortWindow = 100 * time.Millisecond

func TestIdleShardsAndLanesHoldNothingBack(t *testing.T) {
	t.Parallel()
	streams, ctx := streamtest.Start(t).Open(t, stream.Settings{DuplicateWindow: shortWindow}), testContext(t)
	publish(ctx, t, streams, 0, 20) // One instance, so three shards get none.
	takeIn(ctx, t, streams, 20)
	publishEvents(ctx, t, streams, 0, 20) // Three chats, so 61 lanes or more get none.
	handle(ctx, t, streams, "default", 20)
	trimUntil(ctx, t, streams, func() bool {
		return firstSequence(ctx, t, streams, stream.Notifications) == 20 && firstSequence(ctx, t, streams, stream.Events) == 20
	})
}

func TestGroupThatNobodyServesHoldsItsEventsBack(t *testing.T) {
	t.Parallel()
	streams, ctx := streamtest.Start(t).Open(t, stream.Settings{Lanes: 4, DuplicateWindow: shortWindow}), testContext(t)
	publishEvents(ctx, t, streams, 0, 5)
	handle(ctx, t, streams, "served", 5)
	trimUntil(ctx, t, streams, func() bool { return firstSequence(ctx, t, streams, stream.Events) == 5 })
	if _, err := streams.Group(ctx, stream.GroupSettings{Name: "unserved"}); err != nil {
		t.Fatal(err)
	}
	publishEvents(ctx, t, streams, 5, 5)
	handle(ctx, t, streams, "served", 5)
	checkHeld(ctx, t, streams, `group "unserved"`)
	handle(ctx, t, streams, "unserved", 6)
	trimUntil(ctx, t, streams, func() bool { return firstSequence(ctx, t, streams, stream.Events) == 10 })
}

// checkHeld waits until events would go and somebody holds them back, and checks that none went.
func checkHeld(ctx context.Context, t *testing.T, streams *stream.Streams, holder string) {
	t.Helper()
	before := firstSequence(ctx, t, streams, stream.Events)
	eventually(ctx, t, holder+" to hold events back", func() bool {
		return strings.HasPrefix(trim(ctx, t, streams).Events.HeldBy, holder)
	})
	if got := firstSequence(ctx, t, streams, stream.Events); got != before {
		t.Errorf("the first event is %d, and was %d", got, before)
	}
}

func TestEventsStayWithoutAGroupAndWithHalfAGroup(t *testing.T) {
	t.Parallel()
	streams, ctx := streamtest.Start(t).Open(t, stream.Settings{Lanes: 4, DuplicateWindow: shortWindow}), testContext(t)
	publishEvents(ctx, t, streams, 0, 5)
	checkHeld(ctx, t, streams, "all groups that may come")
	makeLane(ctx, t, streams, "half", 1)
	checkHeld(ctx, t, streams, `group "half", which lacks lane 0`)
}

// makeLane makes one lane of a group, as somebody does who is killed before the others.
func makeLane(ctx context.Context, t interface{ Fatal(...any) }, streams *stream.Streams, group string, lane int) {
	_, err := streams.JetStream().CreateConsumer(ctx, stream.Events, jetstream.ConsumerConfig{
		Durable: fmt.Sprintf("%s-%d", group, lane), Description: fmt.Sprintf("hands lane %d to group %s", lane, group),
		FilterSubject: fmt.Sprintf("events.%d.>", lane), DeliverPolicy: jetstream.DeliverAllPolicy,
		AckPolicy: jetstream.AckExplicitPolicy, AckWait: 8 * time.Second, MaxAckPending: 1, MaxDeliver: -1,
		Metadata: map[string]string{"sluice.group": group, "sluice.types": "*"},
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestNotificationsStayUntilEveryShardHasAnIntake(t *testing.T) {
	t.Parallel()
	streams, ctx := streamtest.Start(t).Open(t, stream.Settings{}), testContext(t)
	publish(ctx, t, streams, 0, 5)
	takeIn(ctx, t, streams, 5)
	if err := streams.JetStream().DeleteConsumer(ctx, stream.Notifications, "intake-2"); err != nil {
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

func TestProcessedIsKeptForItsTimeWhileThereIsRoom(t *testing.T) {
	t.Parallel()
	streams, ctx := streamtest.Start(t).Open(t, stream.Settings{}), testContext(t)
	publish(ctx, t, streams, 0, 5)
	const apart = time.Second
	between := time.Now().Add(apart / 2)
	eventually(ctx, t, "time to pass", func() bool { return time.Since(between) > apart/2 })
	publish(ctx, t, streams, 5, 5)
	takeIn(ctx, t, streams, 10)
	for _, test := range []struct {
		keep  time.Duration
		first uint64
	}{{0, 1}, {time.Hour, 1}, {time.Since(between), 6}, {time.Nanosecond, 10}} {
		trimmed, err := streams.Trim(ctx, stream.Keep{Notifications: test.keep})
		if err != nil {
			t.Fatal(err)
		}
		if got := firstSequence(ctx, t, streams, stream.Notifications); got != test.first {
			t.Errorf("kept for %s: first is %d, want %d; %+v", test.keep, got, test.first, trimmed.Notifications)
		}
	}
}

func TestTrimSaysWhatItTook(t *testing.T) {
	t.Parallel()
	streams, ctx := streamtest.Start(t).Open(t, stream.Settings{}), testContext(t)
	publish(ctx, t, streams, 0, 10)
	before := notificationsRoom(ctx, t, streams)
	takeIn(ctx, t, streams, 10)
	var cut stream.Cut
	eventually(ctx, t, "acknowledgements to arrive", func() bool {
		pass := trim(ctx, t, streams).Notifications
		cut.Messages, cut.Bytes, cut.First = cut.Messages+pass.Messages, cut.Bytes+pass.Bytes, pass.First
		return cut.Messages == 9
	})
	after := notificationsRoom(ctx, t, streams)
	if gone := before.Bytes - after.Bytes; cut.Bytes < gone*9/10 || cut.Bytes > gone*11/10 || !cut.First.Equal(after.First) {
		t.Errorf("%+v, want %d bytes and first %s", cut, gone, after.First)
	}
}

func trim(ctx context.Context, t *testing.T, streams *stream.Streams) stream.Trimmed {
	t.Helper()
	trimmed, err := streams.Trim(ctx, atOnce)
	if err != nil {
		t.Fatal(err)
	}
	return trimmed
}

// trimUntil makes passes until done, since acknowledgements and time pass.
func trimUntil(ctx context.Context, t *testing.T, streams *stream.Streams, done func() bool) {
	t.Helper()
	eventually(ctx, t, "what is processed to go", func() bool {
		trim(ctx, t, streams)
		return done()
	})
}

func eventually(ctx context.Context, t *testing.T, what string, done func() bool) {
	t.Helper()
	for !done() {
		select {
		case <-ctx.Done():
			t.Fatalf("waited in vain for %s", what)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func firstSequence(ctx context.Context, t *testing.T, streams *stream.Streams, name string) uint64 {
	t.Helper()
	opened, err := streams.JetStream().Stream(ctx, name)
	if err != nil {
		t.Fatal(err)
	}
	return opened.CachedInfo().State.FirstSeq
}

func publishEvents(ctx context.Context, t *testing.T, streams *stream.Streams, from, count int) {
	t.Helper()
	var events []notification.Event
	for id := from; id < from+count; id++ {
		events = append(events, sampleEvent(streams, id))
	}
	if _, err := streams.PublishEvents(ctx, events); err != nil {
		t.Fatal(err)
	}
}

// handle has a group handle that many events.
func handle(ctx context.Context, t *testing.T, streams *stream.Streams, name string, count int) {
	t.Helper()
	group, err := streams.Group(ctx, stream.GroupSettings{Name: name})
	if err != nil {
		t.Error(err)
		return
	}
	handled := make(chan uint64, count)
	for lane := range streams.Lanes() {
		stop, err := group.Queues[lane].Serial(func(d *stream.Delivery) {
			if err := d.Done(); err != nil {
				t.Error(err)
			}
			handled <- d.Sequence
		}, func(err error) { t.Error(err) })
		if err != nil {
			t.Error(err)
			return
		}
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
