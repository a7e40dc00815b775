package retention_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"sluice.internal/shared/config"
	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/admin"
	"sluice.internal/shared/stream/retention"
	"sluice.internal/shared/streamtest"
)

func TestCapacityWatchTellsEachChangeOnce(t *testing.T) {
	t.Parallel()
	var watch retention.Watch
	for _, step := range []struct {
		share float64
		want  string
	}{
		{0.10, ""},
		{0.79, ""},
		{0.80, "warning: stream NOTIFICATIONS is filling up"},
		{0.81, ""},
		{0.76, ""},
		{0.85, ""}, // The operator knows.
		{0.95, "critical: stream NOTIFICATIONS is full"},
		{1.00, ""},
		{0.93, ""},
		{0.96, ""},
		{0.89, "warning: stream NOTIFICATIONS has capacity again"},
		{0.92, ""},
		{0.74, ""}, // Told at 89 %.
		{0.79, ""},
		{0.83, "warning: stream NOTIFICATIONS is filling up"},
		{0.74, "warning: stream NOTIFICATIONS has capacity again"},
		{0.99, "critical: stream NOTIFICATIONS is full"},
		{0.10, "warning: stream NOTIFICATIONS has capacity again"},
	} {
		got := ""
		for _, alert := range watch.Look([]retention.Capacity{
			{Usage: admin.Usage{Name: stream.Notifications, MaxBytes: 64 << 20}, Share: step.share},
			{Usage: admin.Usage{Name: stream.Rejections, MaxBytes: 64 << 20}, Share: 1}, // Meant to be full.
		}) {
			got += alert.Severity + ": " + alert.Title
		}
		if got != step.want {
			t.Errorf("at %.0f %%: %q, want %q", 100*step.share, got, step.want)
		}
	}
}

func TestAlertsAboutCapacitySayWhatWaitsAndWhatToDo(t *testing.T) {
	t.Parallel()
	at := time.Now()
	look := func(name string, share float64, backlogs ...admin.Backlog) notification.Alert {
		var watch retention.Watch
		return watch.Look([]retention.Capacity{{
			Usage: admin.Usage{Name: name, MaxBytes: 3 << 29}, Share: share, Backlogs: backlogs, At: at,
		}})[0]
	}
	for _, test := range []struct {
		alert notification.Alert
		want  string
	}{
		{
			look(stream.Notifications, 0.83, admin.Backlog{Name: "intake", Waiting: 40, UnderWay: 2}),
			"It has used 83 % of its 1.5 GiB. When it is full, senders are answered 503 for what does not fit. " +
				"Not processed: 42 wait for the intake, which no worker serves at the moment. " +
				"Start workers, see whether EVENTS is full, or give it more capacity with streams.notifications.max_bytes.",
		},
		{
			look(stream.Events, 0.97, admin.Backlog{Name: "a", Waiting: 1, Workers: 1}, admin.Backlog{Name: "b", Waiting: 9},
				admin.Backlog{Name: "c", Waiting: 5, Workers: 1}, admin.Backlog{Name: "d", Waiting: 7, Workers: 1}),
			"It has used 97 % of its 1.5 GiB. No events are made of new notifications, which wait in NOTIFICATIONS. " +
				`Not processed: 9 wait for group "b", which no worker serves at the moment; 7 wait for group "d"; ` +
				`5 wait for group "c"; and 1 more groups are behind. ` +
				"Start workers of these groups, remove a group that nobody needs, or give it more capacity with streams.events.max_bytes.",
		},
		{
			look(stream.Notifications, 0.8),
			"It has used 80 % of its 1.5 GiB. When it is full, senders are answered 503 for what does not fit. " +
				"Everything in it is processed; what is gets taken out earlier than it was to be kept. " +
				"To keep them longer, give it more capacity with streams.notifications.max_bytes.",
		},
		{
			look(stream.Retries, 0.8),
			"It has used 80 % of its 1.5 GiB. When it is full, lanes wait whose handlers fail, instead of setting events aside. " +
				"See why so many handlers fail, or give it more capacity with streams.retries.max_bytes.",
		},
		{
			look(stream.DeadLetters, 0.8),
			"It has used 80 % of its 1.5 GiB. When it is full, the oldest dead letters are dropped for new ones. " +
				"Send what is in it through again, or give it more capacity with streams.dead_letters.max_bytes.",
		},
	} {
		if test.alert.Detail != test.want || !test.alert.At.Equal(at) {
			t.Errorf("%s: %s\nwant %s", test.alert.Title, test.alert.Detail, test.want)
		}
	}
}

func TestCapacitiesCountBytesAndBacklogs(t *testing.T) {
	t.Parallel()
	ctx := streamtest.Context(t)
	streams := streamtest.Start(t).Open(t, func(s *config.Streams) { s.Notifications.MaxBytes = 16 << 10 })
	if got := notificationsCapacity(ctx, t, streams); got.Share != 0 || got.MaxBytes != 16<<10 {
		t.Errorf("empty: %+v", got)
	}
	if _, err := streams.Intake(ctx, 0); err != nil {
		t.Fatal(err)
	}
	n := streamtest.Notification(0)
	n.Instance = "" // Shard 0.
	for err := error(nil); err == nil; _, err = streams.PublishNotification(ctx, &n) {
		n.RequestID += "x"
	}
	got := notificationsCapacity(ctx, t, streams)
	if got.Share < 0.9 || got.Share > 1 || len(got.Backlogs) != 1 || got.Backlogs[0].Waiting != got.Messages {
		t.Errorf("full: %+v", got)
	}
}

func notificationsCapacity(ctx context.Context, t *testing.T, streams *streamtest.Streams) retention.Capacity {
	t.Helper()
	capacities, err := retention.Capacities(ctx, streams.Client)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(capacities, func(r retention.Capacity) bool { return r.Name == stream.Notifications })
	if i < 0 {
		t.Fatal("no capacity of NOTIFICATIONS")
	}
	return capacities[i]
}
