package admin_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/admin"
	"sluice.internal/shared/stream/consume"
	"sluice.internal/shared/streamtest"
)

func progressOf(ctx context.Context, t *testing.T, streams *streamtest.Streams) admin.Progress {
	t.Helper()
	progress, err := streams.Progress(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return progress
}

func TestProgressOfEmptyStreams(t *testing.T) {
	t.Parallel()
	streams, ctx := streamtest.Start(t).Open(t, streamtest.Shards(1), streamtest.Lanes(1)), streamtest.Context(t)
	progress := progressOf(ctx, t, streams)
	if e := progress.Events; e.First != 1 || e.Last != 0 || e.Messages != 0 || !e.FirstAt.IsZero() || e.Created.IsZero() {
		t.Errorf("empty stream %+v", e)
	}
	if !slices.Equal(progress.Intake, []uint64{0}) || len(progress.Groups) != 0 || progress.Window != 48*time.Hour {
		t.Errorf("before anybody worked: %+v", progress)
	}
}

func TestProgressOfTheIntakeIsWhatItAcknowledgedWithoutAGap(t *testing.T) {
	t.Parallel()
	streams, ctx := streamtest.Start(t).Open(t, streamtest.Shards(1)), streamtest.Context(t)
	streamtest.Publish(ctx, t, streams, 0, 4)
	intake, err := streams.Intake(ctx, 0)
	if err != nil {
		t.Fatal(err)
	}
	got := streamtest.NextN(ctx, t, intake, 4)
	for _, i := range []int{3, 1, 0} {
		if err := got[i].Ack(); err != nil {
			t.Fatal(err)
		}
	}
	progress := progressOf(ctx, t, streams)
	for progress.Intake[0] != 2 { // An acknowledgement takes a moment to arrive.
		progress = progressOf(ctx, t, streams)
	}
	if n := progress.Notifications; n.First != 1 || n.Last != 4 || n.Messages != 4 || n.FirstAt.IsZero() {
		t.Errorf("notifications %+v", n)
	}
}

func TestProgressOfGroupsIsByLane(t *testing.T) {
	t.Parallel()
	streams, ctx := streamtest.Start(t).Open(t, streamtest.Lanes(2)), streamtest.Context(t)
	serial, err := streams.Group(ctx, consume.GroupSettings{Name: "serial"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := streams.Group(ctx, consume.GroupSettings{Name: "wide", Unordered: true}); err != nil {
		t.Fatal(err)
	}
	first := streamtest.Event(streams, 0)
	streamtest.PublishEvents(ctx, t, streams, 0, 1)
	handled := make(chan error, 1)
	defer streamtest.Serve(serial.Partitions[first.Lane], func(d *consume.Delivery) { handled <- d.Done() })()
	if err := <-handled; err != nil {
		t.Fatal(err)
	}
	groups := progressOf(ctx, t, streams).Groups
	for groups[0].Floors[first.Lane] != 1 {
		groups = progressOf(ctx, t, streams).Groups
	}
	if len(groups) != 2 || groups[0].Floors[1-first.Lane] != 0 || groups[1].Name != "wide" || !slices.Equal(groups[1].Floors, []uint64{0, 0}) {
		t.Errorf("groups %+v", groups)
	}
}

func TestListingsTellWhereAndWhenItWasStored(t *testing.T) {
	t.Parallel()
	streams, ctx := streamtest.Start(t).Open(t), streamtest.Context(t)
	streamtest.Publish(ctx, t, streams, 0, 1)
	if _, err := streams.PublishEvents(ctx, []notification.Event{streamtest.Event(streams, 0)}); err != nil {
		t.Fatal(err)
	}
	progress := progressOf(ctx, t, streams)
	n := streamtest.Collect(t, streams.Notifications(ctx, admin.Query{}))[0]
	event := streamtest.Collect(t, streams.Events(ctx, admin.Query{}))[0]
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
	streams, ctx := streamtest.Start(t).Open(t, streamtest.Shards(1)), streamtest.Context(t)
	streamtest.Publish(ctx, t, streams, 0, 3)
	got := streamtest.TakeIn(ctx, t, streams, 3)
	if len(got) != 3 {
		t.Fatalf("took in %d", len(got))
	}
	for n, err := range streams.Notifications(ctx, admin.Query{}) {
		if n.Sequence != 1 || err != nil {
			t.Errorf("notification %d, error %v", n.Sequence, err)
		}
		break // The rest is not read.
	}
	opened, err := streams.JetStream().Stream(ctx, stream.Notifications)
	if err != nil {
		t.Fatal(err)
	}
	for name := range opened.ConsumerNames(ctx).Name() {
		if name != "shard-0" {
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
