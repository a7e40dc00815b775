package stream_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/streamtest"
)

func TestFullStreamTakesNewOnesOnceTheOldAreProcessed(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	streams := streamtest.Start(t).Open(t, stream.Settings{Notifications: stream.Bounds{MaxBytes: 16 << 10}})
	stored := fill(ctx, t, streams)
	if _, err := streams.Trim(ctx, stream.Keep{}); err != nil {
		t.Fatal(err)
	}
	n := sample(stored)
	if _, err := streams.PublishNotification(ctx, &n); !errors.Is(err, stream.ErrFull) {
		t.Fatalf("error %v, want ErrFull: nothing is processed", err)
	}
	takeIn(ctx, t, streams, stored)
	var cut stream.Cut
	eventually(ctx, t, "room", func() bool {
		trimmed, err := streams.Trim(ctx, stream.Keep{})
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
	if share := notificationsRoom(ctx, t, streams).Share; share < 0.7 || share > 0.9 {
		t.Errorf("%.0f %% are used after making room", 100*share)
	}
}

// fill publishes notifications until there is no room, and returns how many there are.
func fill(ctx context.Context, t *testing.T, streams *stream.Streams) int {
	t.Helper()
	for id := range 1000 {
		n := sample(id)
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

func TestWithoutRoomEventsGoEarlyButNotUnderTheDuplicateWindow(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		window time.Duration
		early  bool
	}{"window still open": {time.Hour, false}, "window over": {shortWindow, true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := testContext(t)
			streams := streamtest.Start(t).Open(t, stream.Settings{
				Lanes: 4, DuplicateWindow: test.window, Events: stream.Bounds{MaxBytes: 16 << 10},
			})
			stored := fillEvents(ctx, t, streams)
			handle(ctx, t, streams, "default", stored)
			if !test.early {
				if cut := trim(ctx, t, streams).Events; cut.Messages != 0 {
					t.Errorf("%+v went within the window", cut)
				}
				return
			}
			eventually(ctx, t, "room", func() bool {
				trimmed, err := streams.Trim(ctx, stream.Keep{})
				if err != nil {
					t.Fatal(err)
				}
				return trimmed.Events.Early
			})
			publishEvents(ctx, t, streams, stored, 1)
		})
	}
}

func fillEvents(ctx context.Context, t *testing.T, streams *stream.Streams) int {
	t.Helper()
	for id := range 1000 {
		_, err := streams.PublishEvents(ctx, []notification.Event{sampleEvent(streams, id)})
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
	streams, ctx := server.Open(t, stream.Settings{Lanes: 4, Events: stream.Bounds{MaxBytes: 16 << 10}}), testContext(t)
	stored := fillEvents(ctx, t, streams)
	handle(ctx, t, streams, "default", stored)
	trim(ctx, t, streams)
	server.Restart(t)
	eventually(ctx, t, "the connection to be back", func() bool {
		_, err := streams.Trim(t.Context(), atOnce) // A deadline would be that of a request that got lost.
		return err == nil
	})
	for id := range stored {
		outcome, err := streams.PublishEvents(ctx, []notification.Event{sampleEvent(streams, id)})
		if err != nil || !outcome[0].Duplicate {
			t.Fatalf("event %d: %+v, error %v: want a duplicate", id, outcome, err)
		}
	}
}
