package consume_test

import (
	"errors"
	"fmt"
	"testing"

	"sluice.internal/shared/config"
	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/admin"
	"sluice.internal/shared/stream/consume"
	"sluice.internal/shared/streamtest"
)

func TestSameKeyIsOneEventInAnyBatch(t *testing.T) {
	t.Parallel()
	streams, ctx := streamtest.Start(t).Open(t), streamtest.Context(t)
	var first, second []notification.Event
	for id := range 200 {
		first = append(first, streamtest.Event(streams, id))
	}
	first = append(first, streamtest.Event(streams, 5)) // twice in one batch
	stored, err := streams.PublishEvents(ctx, first)
	if err != nil {
		t.Fatal(err)
	}
	checkStored(t, stored, 201, 1)
	for i, outcome := range stored[:200] {
		if outcome.Sequence != uint64(i+1) {
			t.Fatalf("event %d has sequence %d", i, outcome.Sequence)
		}
	}
	for id := 100; id < 300; id++ { // half of it again
		second = append(second, streamtest.Event(streams, id))
	}
	if stored, err = streams.PublishEvents(ctx, second); err != nil {
		t.Fatal(err)
	}
	checkStored(t, stored, 200, 100)
	var keys []string
	for event, err := range streams.Events(ctx, admin.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, event.Key)
	}
	for id := range 300 {
		if keys[id] != fmt.Sprintf("key-%d", id) {
			t.Fatalf("event %d has key %s: out of order", id, keys[id])
		}
	}
	if len(keys) != 300 {
		t.Errorf("%d events, want 300", len(keys))
	}
}

func checkStored(t *testing.T, stored []consume.Stored, total, duplicates int) {
	t.Helper()
	found := 0
	for _, outcome := range stored {
		if outcome.Duplicate {
			found++
		}
	}
	if len(stored) != total || found != duplicates {
		t.Fatalf("%d outcomes with %d duplicates, want %d with %d", len(stored), found, total, duplicates)
	}
}

func TestDuplicatesAreKnownAfterARestart(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	streams, ctx := server.Open(t), streamtest.Context(t)
	events := []notification.Event{streamtest.Event(streams, 1), streamtest.Event(streams, 2)}
	if _, err := streams.PublishEvents(ctx, events); err != nil {
		t.Fatal(err)
	}
	server.Restart(t)
	stored, err := streams.PublishEvents(ctx, append(events, streamtest.Event(streams, 3)))
	if err != nil {
		t.Fatal(err)
	}
	checkStored(t, stored, 3, 2)
}

func TestEventsThatDoNotFitAreToldFromTheFirstOnThatIsNotStored(t *testing.T) {
	t.Parallel()
	ctx := streamtest.Context(t)
	streams := streamtest.Start(t, func(o *streamtest.Options) { o.SyncAlways = false }).
		Open(t, func(s *config.Streams) { s.Events.MaxBytes = 64 << 10 })
	streams.BatchingEvents()
	var events []notification.Event
	for id := range 300 {
		events = append(events, streamtest.Event(streams, id))
	}
	streamtest.PublishEvents(ctx, t, streams, 20, 1) // A duplicate, so that the first batch is refused for another cause.
	stored, err := streams.PublishEvents(ctx, events)
	if !errors.Is(err, stream.ErrFull) || len(stored) < 30 || len(stored) == len(events) {
		t.Fatalf("%d of %d stored, error %v, want ErrFull", len(stored), len(events), err)
	}
	place := map[string]uint64{}
	for event, err := range streams.Events(ctx, admin.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		place[event.Key] = event.Sequence
	}
	if len(place) != len(stored) {
		t.Errorf("%d are stored, and %d told", len(place), len(stored))
	}
	for i, outcome := range stored {
		if key := events[i].Key; place[key] == 0 || outcome.Sequence != place[key] || outcome.Duplicate != (i == 20) {
			t.Errorf("%s: %+v, stored at %d", key, outcome, place[key])
		}
	}
}
