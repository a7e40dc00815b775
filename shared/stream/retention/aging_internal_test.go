package retention

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"sluice.internal/shared/config"
	"sluice.internal/shared/notification"
	"sluice.internal/shared/service"
	"sluice.internal/shared/stream/admin"
	"sluice.internal/shared/stream/consume"
	"sluice.internal/shared/streamtest"
)

func TestOperatorIsToldOfWhatGoesUnprocessedAndItIsRecorded(t *testing.T) {
	t.Parallel()
	ctx := streamtest.Context(t)
	streams := streamtest.Start(t).Open(t, streamtest.Lanes(2), streamtest.Shards(1))
	streamtest.Publish(ctx, t, streams, 0, 3)
	streamtest.TakeIn(ctx, t, streams, 3)
	streamtest.Publish(ctx, t, streams, 3, 2)
	streamtest.PublishEvents(ctx, t, streams, 0, 4)
	_, err := streams.Group(ctx, consume.GroupSettings{Name: "billing"})
	streamtest.Must(t, err)
	var told []notification.Alert
	r := &retention{
		client: streams.Client, log: slog.New(slog.DiscardHandler), health: service.NewCondition("retention", slog.New(slog.DiscardHandler)),
		alert: func(_ context.Context, alert notification.Alert) error {
			told = append(told, alert)
			return nil
		},
	}
	for range 2 { // A second look tells and records nothing new.
		streamtest.Must(t, r.lookAtAges(ctx, 0, 0), r.tell(ctx))
	}
	if len(told) != 2 {
		t.Fatalf("told %+v", told)
	}
	for i, want := range [][]string{
		{"notifications that were not taken in", "Up to 2 notifications from 4 on wait for the intake of shard 0", "720h0m0s", "streams.notifications.max_age"},
		{"events that were not handled", "Up to 4 events from 1 on wait for group \"billing\"", "720h0m0s", "sluice groups rm", "streams.events.max_age"},
	} {
		for _, text := range want {
			if said := told[i].Title + ": " + told[i].Detail; told[i].Severity != notification.SeverityCritical || !strings.Contains(said, text) {
				t.Errorf("told %q, want %q in it", said, text)
			}
		}
	}
	recorded := ""
	for _, operation := range streamtest.Collect(t, streams.Operations(ctx, admin.Query{})) {
		for name, sequences := range operation.Sequences {
			recorded += fmt.Sprintf("%s %s %s; ", operation.What, name, sequences)
		}
	}
	if recorded != "age-out NOTIFICATIONS 4-5; age-out EVENTS 1-4; " {
		t.Errorf("recorded %s", recorded)
	}
}

func TestNothingIsToldOfWhatIsProcessedOrYoungOrMayStay(t *testing.T) {
	t.Parallel()
	ctx := streamtest.Context(t)
	streams := streamtest.Start(t).Open(t, streamtest.Shards(1), func(s *config.Streams) { s.Events.MaxAge = 0 })
	streamtest.Publish(ctx, t, streams, 0, 3)
	streamtest.PublishEvents(ctx, t, streams, 0, 3) // Nobody handles them, and they may stay.
	if ages, err := Ages(ctx, streams.Client, agingFrom); err != nil || len(ages) > 0 {
		t.Errorf("of young ones %+v, error %v", ages, err)
	}
	streamtest.TakeIn(ctx, t, streams, 3)
	if ages, err := Ages(ctx, streams.Client, 0); err != nil || len(ages) > 0 {
		t.Errorf("of processed ones %+v, error %v", ages, err)
	}
}

func TestOperatorIsToldOncePerDay(t *testing.T) {
	t.Parallel()
	var w agingWatch
	now := time.Now()
	aging := []Aging{{Stream: "EVENTS", First: 1, Until: 2}}
	for i, step := range []struct {
		ages []Aging
		at   time.Duration
		want int
	}{{aging, 0, 1}, {aging, time.Hour, 0}, {aging, 23 * time.Hour, 0}, {aging, 24 * time.Hour, 1}, {nil, 25 * time.Hour, 0}, {aging, 26 * time.Hour, 1}} {
		if got := len(w.look(step.ages, now.Add(step.at))); got != step.want {
			t.Errorf("step %d: %d alerts, want %d", i, got, step.want)
		}
	}
}
