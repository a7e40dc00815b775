package admin_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"sluice.internal/shared/config"
	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/admin"
	"sluice.internal/shared/stream/consume"
	"sluice.internal/shared/stream/retention"
	"sluice.internal/shared/streamtest"
)

// opened are streams with groups and as many events.
func opened(t *testing.T, configured config.Streams, events int, groups ...string) (streams *streamtest.Streams, stored []notification.Event) {
	t.Helper()
	streams = streamtest.Start(t).Open(t, func(s *config.Streams) { *s = configured })
	for _, name := range groups {
		if _, err := streams.Group(streamtest.Context(t), consume.GroupSettings{Name: name}); err != nil {
			t.Fatal(err)
		}
	}
	for id := range events {
		event := streamtest.Event(streams, id)
		if _, err := streams.PublishEvents(streamtest.Context(t), []notification.Event{event}); err != nil {
			t.Fatal(err)
		}
	}
	for event, err := range streams.Events(streamtest.Context(t), admin.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, event)
	}
	return streams, stored
}

func inspected(ctx context.Context, t *testing.T, streams *streamtest.Streams, group string) admin.Backlog {
	t.Helper()
	status, err := streams.Inspect(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if group == "intake" {
		return status.Intake
	}
	i := slices.IndexFunc(status.Groups, func(b admin.Backlog) bool { return b.Name == group })
	if i < 0 {
		t.Fatalf("no group %q in %+v", group, status.Groups)
	}
	return status.Groups[i]
}

func TestWhatIsSetAsideIsCountedForEachGroup(t *testing.T) {
	t.Parallel()
	ctx := streamtest.Context(t)
	streams, events := opened(t, streamtest.Configured(streamtest.Lanes(4)), 4, "a", "ab")
	later := time.Now().Add(time.Hour)
	if err := errors.Join(
		streams.Park(ctx, "a", &events[0], later), streams.Park(ctx, "a", &events[1], later),
		streams.Park(ctx, "ab", &events[0], later), streams.Redeliver(ctx, "ab", events[2], "replay/1"),
	); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	for _, letter := range []notification.DeadLetter{
		{Event: events[0], Reason: notification.ReasonRefused, Group: "a"},
		{Event: events[1], Reason: notification.ReasonExhausted, Group: "a"},
		{Event: events[1], Reason: notification.ReasonRefused, Group: "ab"},
		{Event: notification.Event{Origin: notification.Origin{Source: "green-api"}, NotificationSequence: 7}, Reason: notification.ReasonInvalid},
	} {
		if err := streams.PublishDeadLetter(ctx, &letter); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string][4]uint64{"a": {4, 2, 0, 2}, "ab": {4, 1, 1, 1}, "intake": {0, 0, 0, 1}} {
		b := inspected(ctx, t, streams, name)
		if got := [4]uint64{b.Waiting, b.Parked, b.Due, b.Dead}; got != want {
			t.Errorf("%s: waiting, parked, due, dead %v, want %v", name, got, want)
		}
	}
	for since, want := range map[time.Time]uint64{begin.Add(-time.Hour): 4, begin.Add(time.Hour): 0} {
		if got, err := streams.DeadSince(ctx, since); err != nil || got != want {
			t.Errorf("%d dead letters since %s, error %v, want %d", got, since, err, want)
		}
	}
}

func TestOldestIsTheFirstThatIsNotProcessed(t *testing.T) {
	t.Parallel()
	ctx := streamtest.Context(t)
	streams, events := opened(t, streamtest.Configured(streamtest.Lanes(2)), 6)
	group, err := streams.Group(ctx, consume.GroupSettings{Name: "a"})
	if err != nil {
		t.Fatal(err)
	}
	if got := inspected(ctx, t, streams, "a"); !got.Oldest.Equal(events[0].StoredAt) || !got.Holds.Equal(got.Oldest) {
		t.Errorf("before all: %+v, want since %s", got, events[0].StoredAt)
	}
	// The lane of the first event gets ahead of the other one.
	lane := events[0].Lane
	other := slices.IndexFunc(events, func(event notification.Event) bool { return event.Lane != lane })
	if other < 0 {
		t.Fatal("all events are in one lane")
	}
	handleLane(ctx, t, streams, group, lane, events)
	if got := inspected(ctx, t, streams, "a"); !got.Oldest.Equal(events[other].StoredAt) {
		t.Errorf("one lane is done: oldest %s, want %s", got.Oldest, events[other].StoredAt)
	}
	handleLane(ctx, t, streams, group, 1-lane, events)
	if got := inspected(ctx, t, streams, "a"); !got.Oldest.IsZero() || !got.Holds.IsZero() {
		t.Errorf("all is done: %+v", got)
	}
	if err := streams.Redeliver(ctx, "a", events[3], "replay/1"); err != nil {
		t.Fatal(err)
	}
	if got := inspected(ctx, t, streams, "a"); got.Oldest.IsZero() || !got.Holds.IsZero() {
		t.Errorf("one is due, which holds nothing in the stream of events: %+v", got)
	}
}

// handleLane processes the events that are in a lane.
func handleLane(ctx context.Context, t *testing.T, streams *streamtest.Streams, group *consume.Group, lane int, events []notification.Event) {
	t.Helper()
	left := inspected(ctx, t, streams, "a").Waiting
	defer streamtest.Serve(group.Partitions[lane], func(d *consume.Delivery) { _ = d.Done() })()
	for _, event := range events {
		if event.Lane == lane {
			left--
		}
	}
	for b := inspected(ctx, t, streams, "a"); b.Waiting+b.UnderWay != left; b = inspected(ctx, t, streams, "a") {
		if ctx.Err() != nil {
			t.Fatalf("lane %d is not done: %+v", lane, b)
		}
	}
}

func TestIntakeThatNobodyOpenedIsAsOldAsItsFirstNotification(t *testing.T) {
	t.Parallel()
	ctx := streamtest.Context(t)
	streams := streamtest.Start(t).Open(t, streamtest.Shards(2))
	if got := inspected(ctx, t, streams, "intake"); !got.Oldest.IsZero() {
		t.Errorf("nothing is there, since %s", got.Oldest)
	}
	streamtest.Publish(ctx, t, streams, 0, 3)
	for n, err := range streams.Notifications(ctx, admin.Query{}) {
		if got := inspected(ctx, t, streams, "intake"); err != nil || !got.Oldest.Equal(n.StoredAt) {
			t.Errorf("oldest %s, want %s; error %v", got.Oldest, n.StoredAt, err)
		}
		break
	}
}

func TestGroupThatLacksALaneIsIncomplete(t *testing.T) {
	t.Parallel()
	ctx := streamtest.Context(t)
	streams, _ := opened(t, streamtest.Configured(streamtest.Lanes(3)), 0, "a")
	if inspected(ctx, t, streams, "a").Incomplete {
		t.Error("incomplete at once")
	}
	if err := streams.JetStream().DeleteConsumer(ctx, stream.Events, "a-p1"); err != nil {
		t.Fatal(err)
	}
	if !inspected(ctx, t, streams, "a").Incomplete {
		t.Error("complete without lane 1")
	}
}

func TestGroupIsListedAsItWasMade(t *testing.T) {
	t.Parallel()
	ctx := streamtest.Context(t)
	streams := streamtest.Start(t).Open(t, streamtest.Lanes(3))
	for _, settings := range []consume.GroupSettings{{Name: "all"}, {Name: "calls", Types: []string{"b", "a"}, Unordered: true}} {
		if _, err := streams.Group(ctx, settings); err != nil {
			t.Fatal(err)
		}
	}
	if got := inspected(ctx, t, streams, "all"); got.Unordered || got.Types != nil || got.Incomplete {
		t.Errorf("got %+v", got)
	}
	if got := inspected(ctx, t, streams, "calls"); !got.Unordered || !slices.Equal(got.Types, []string{"a", "b"}) || got.Incomplete {
		t.Errorf("got %+v", got)
	}
}

func TestBoundOfRetriesIsWrittenInTheStream(t *testing.T) {
	t.Parallel()
	ctx, server := streamtest.Context(t), streamtest.Start(t)
	type statusReader interface {
		Status(ctx context.Context) (admin.Status, error)
	}
	bound := func(streams statusReader) int64 {
		status, err := streams.Status(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return status.Streams[slices.IndexFunc(status.Streams, func(u admin.Usage) bool { return u.Name == stream.Retries })].MaxBytes
	}
	server.Open(t, func(s *config.Streams) { s.Retries.MaxBytes = 1 << 20 })
	attached, err := admin.Attach(ctx, server.Connect(t))
	if err != nil {
		t.Fatal(err)
	}
	if got := bound(attached); got != 1<<20 {
		t.Errorf("RETRIES may hold %d bytes, want %d", got, 1<<20)
	}
	streams := server.Open(t, func(s *config.Streams) { s.Retries.MaxBytes = 1 })
	if got := bound(attached); got != 1 {
		t.Errorf("changed: RETRIES may hold %d bytes, want 1", got)
	}
	event := streamtest.Event(streams, 1)
	if err := streams.Park(ctx, "a", &event, time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	// Who knows no configuration keeps to it as well.
	if err := attached.Redeliver(ctx, "a", event, "replay/1"); !errors.Is(err, stream.ErrFull) {
		t.Errorf("error %v, want %v", err, stream.ErrFull)
	}
	capacities, err := retention.Capacities(ctx, streams.Client)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(capacities, func(capacity retention.Capacity) bool { return capacity.Name == stream.Retries && capacity.Share > 1 }) {
		t.Errorf("no full RETRIES in %+v", capacities)
	}
}

func TestMissingReplicaIsTold(t *testing.T) {
	t.Parallel()
	cluster := streamtest.StartCluster(t)
	streams := cluster.Open(t, streamtest.Shards(1), streamtest.Lanes(1))
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	await := func(what string, is func(trouble string) bool) {
		for {
			status, err := streams.Inspect(ctx)
			if err == nil && !slices.ContainsFunc(status.Streams, func(u admin.Usage) bool { return !is(u.Trouble) }) {
				return
			}
			if ctx.Err() != nil {
				t.Fatalf("%s: %+v, error %v", what, status.Streams, err)
			}
		}
	}
	await("all is well", func(trouble string) bool { return trouble == "" })
	stopped := cluster.StopLeader(t, stream.Events)
	await("one server is gone", func(trouble string) bool { return strings.Contains(trouble, "is offline") })
	stopped.Resume(t)
	await("it is back", func(trouble string) bool { return trouble == "" })
}
