package retention_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"sluice.internal/shared/config"
	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/retention"
	"sluice.internal/shared/streamtest"
)

func TestFullStreamTakesNewOnesOnceTheOldAreProcessed(t *testing.T) {
	t.Parallel()
	ctx := streamtest.Context(t)
	streams := streamtest.Start(t).Open(t, func(s *config.Streams) { s.Notifications.MaxBytes = 16 << 10 })
	stored := fill(ctx, t, streams)
	if _, err := retention.Trim(ctx, streams.Client, streamtest.Configured()); err != nil {
		t.Fatal(err)
	}
	n := streamtest.Notification(stored)
	if _, err := streams.PublishNotification(ctx, &n); !errors.Is(err, stream.ErrFull) {
		t.Fatalf("error %v, want ErrFull: nothing is processed", err)
	}
	streamtest.TakeIn(ctx, t, streams, stored)
	var cut retention.Cut
	streamtest.Eventually(ctx, t, "capacity", func() bool {
		trimmed, err := retention.Trim(ctx, streams.Client, streamtest.Configured())
		if err != nil {
			t.Fatal(err)
		}
		cut = trimmed.Notifications
		return cut.Early
	})
	if _, err := streams.PublishNotification(ctx, &n); err != nil {
		t.Fatal(err)
	}
	// Much younger than 24 h, so no more than needed may go.
	if share := notificationsCapacity(ctx, t, streams).Share; share < 0.7 || share > 0.9 {
		t.Errorf("%.0f %% are used after freeing capacity", 100*share)
	}
}

// fill publishes notifications until there is no capacity, and returns how many there are.
func fill(ctx context.Context, t *testing.T, streams *streamtest.Streams) int {
	t.Helper()
	for id := range 1000 {
		n := streamtest.Notification(id)
		_, err := streams.PublishNotification(ctx, &n)
		if errors.Is(err, stream.ErrFull) {
			return id
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Fatal("the stream does not fill up")
	return 0
}

func TestWithoutCapacityEventsGoEarlyButNotUnderTheDuplicateWindow(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		window time.Duration
		early  bool
	}{"window still open": {time.Hour, false}, "window over": {shortWindow, true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := streamtest.Context(t)
			streams := streamtest.Start(t).Open(t, streamtest.Lanes(4), func(s *config.Streams) {
				s.Events.DuplicateWindow = test.window
				s.Events.MaxBytes = 16 << 10
			})
			stored := fillEvents(ctx, t, streams)
			handle(ctx, t, streams, "default", stored)
			if !test.early {
				if cut := trim(ctx, t, streams).Events; cut.Messages != 0 {
					t.Errorf("%+v went within the window", cut)
				}
				return
			}
			streamtest.Eventually(ctx, t, "capacity", func() bool {
				trimmed, err := retention.Trim(ctx, streams.Client, streamtest.Configured())
				if err != nil {
					t.Fatal(err)
				}
				return trimmed.Events.Early
			})
			streamtest.PublishEvents(ctx, t, streams, stored, 1)
		})
	}
}

func fillEvents(ctx context.Context, t *testing.T, streams *streamtest.Streams) int {
	t.Helper()
	for id := range 1000 {
		_, err := streams.PublishEvents(ctx, []notification.Event{streamtest.Event(streams, id)})
		if errors.Is(err, stream.ErrFull) {
			return id
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Fatal("the stream does not fill up")
	return 0
}

func TestTrimmingLeavesDuplicatesKnownAcrossARestart(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	// Full, so that trimming wants to have all of them.
	streams, ctx := server.Open(t, streamtest.Lanes(4), func(s *config.Streams) { s.Events.MaxBytes = 16 << 10 }), streamtest.Context(t)
	stored := fillEvents(ctx, t, streams)
	handle(ctx, t, streams, "default", stored)
	trim(ctx, t, streams)
	server.Restart(t)
	streamtest.Eventually(ctx, t, "the connection to be back", func() bool {
		_, err := retention.Trim(t.Context(), streams.Client, atOnce) // A deadline would be that of a request that got lost.
		return err == nil
	})
	for id := range stored {
		outcome, err := streams.PublishEvents(ctx, []notification.Event{streamtest.Event(streams, id)})
		if err != nil || !outcome[0].Duplicate {
			t.Fatalf("event %d: %+v, error %v: want a duplicate", id, outcome, err)
		}
	}
}
