package stream_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/streamtest"
)

func progressOf(ctx context.Context, t *testing.T, streams *stream.Streams) stream.Progress {
	t.Helper()
	progress, err := streams.Progress(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return progress
}

func TestProgressTellsWhatIsThereAndHowFarEverybodyIs(t *testing.T) {
	t.Parallel()
	streams, ctx := streamtest.Start(t).Open(t, stream.Settings{Shards: 1, Lanes: 1}), testContext(t)
	progress := progressOf(ctx, t, streams)
	if e := progress.Events; e.First != 1 || e.Last != 0 || e.Messages != 0 || !e.FirstAt.IsZero() || e.Created.IsZero() {
		t.Errorf("empty stream %+v", e)
	}
	if !slices.Equal(progress.Intake, []uint64{0}) || len(progress.Groups) != 0 || progress.Window != 48*time.Hour {
		t.Errorf("before anybody worked: %+v", progress)
	}

	publish(ctx, t, streams, 0, 3)
	intake, err := streams.Intake(ctx, 0)
	if err != nil {
		t.Fatal(err)
	}
	got := nextN(ctx, t, intake, 3)
	for i := range 2 {
		if err := got[i].Ack(); err != nil {
			t.Fatal(err)
		}
	}
	for id := range 3 {
		if _, err := streams.PublishEvents(ctx, []notification.Event{sampleEvent(streams, id)}); err != nil {
			t.Fatal(err)
		}
	}
	for _, settings := range []stream.GroupSettings{{Name: "serial"}, {Name: "wide", Unordered: true}} {
		group, err := streams.Group(ctx, settings)
		if err != nil {
			t.Fatal(err)
		}
		if settings.Unordered {
			continue // It has done nothing so far.
		}
		handled := make(chan error, 3)
		stop, err := group.Queues[0].Serial(func(d *stream.Delivery) { handled <- d.Done() }, func(error) {})
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if err := <-handled; err != nil {
				t.Fatal(err)
			}
		}
		stop()
	}
	// An acknowledgement takes a moment to arrive.
	for {
		progress = progressOf(ctx, t, streams)
		if progress.Intake[0] == 2 && progress.Groups[0].Floors[0] == 3 {
			break
		}
	}
	if n := progress.Notifications; n.First != 1 || n.Last != 3 || n.Messages != 3 || n.FirstAt.IsZero() {
		t.Errorf("notifications %+v", n)
	}
	if groups := progress.Groups; len(groups) != 2 || groups[0].Name != "serial" || groups[1].Name != "wide" || groups[1].Floors[0] != 0 {
		t.Errorf("groups %+v", groups)
	}
}

func TestListingsTellWhereAndWhenItWasStored(t *testing.T) {
	t.Parallel()
	streams, ctx := streamtest.Start(t).Open(t, stream.Settings{}), testContext(t)
	publish(ctx, t, streams, 0, 1)
	if _, err := streams.PublishEvents(ctx, []notification.Event{sampleEvent(streams, 0)}); err != nil {
		t.Fatal(err)
	}
	progress := progressOf(ctx, t, streams)
	n := collect(t, streams.Notifications(ctx, stream.Query{}))[0]
	event := collect(t, streams.Events(ctx, stream.Query{}))[0]
	if !n.StoredAt.Equal(progress.Notifications.FirstAt) || !event.StoredAt.Equal(progress.Events.FirstAt) {
		t.Errorf("stored at %s and %s, want %s and %s", n.StoredAt, event.StoredAt, progress.Notifications.FirstAt, progress.Events.FirstAt)
	}
	info, err := streams.JetStream().Stream(ctx, stream.Notifications)
	if err != nil {
		t.Fatal(err)
	}
	message, err := info.GetMsg(ctx, 1)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"in.0.green-api", "in.1.green-api", "in.2.green-api", "in.3.green-api"}[n.Shard]; message.Subject != want {
		t.Errorf("subject %q, and the shard is %d", message.Subject, n.Shard)
	}
}

func TestWhoLooksAtNotificationsIsNoBacklogAndLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	streams, ctx := streamtest.Start(t).Open(t, stream.Settings{Shards: 1}), testContext(t)
	publish(ctx, t, streams, 0, 3)
	got := takeIn(ctx, t, streams, 3)
	if len(got) != 3 {
		t.Fatalf("took in %d", len(got))
	}
	for range streams.Notifications(ctx, stream.Query{}) {
		break // The rest is not read.
	}
	opened, err := streams.JetStream().Stream(ctx, stream.Notifications)
	if err != nil {
		t.Fatal(err)
	}
	for name := range opened.ConsumerNames(ctx).Name() {
		if name != "intake-0" {
			t.Errorf("consumer %q is left", name)
		}
	}
	if _, err := opened.CreateConsumer(ctx, jetstream.ConsumerConfig{AckPolicy: jetstream.AckNonePolicy}); err != nil {
		t.Fatal(err)
	}
	for {
		status, err := streams.Status(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if status.Intake.Waiting == 0 && status.Intake.UnderWay == 0 {
			return
		}
	}
}
