package retention_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"sluice.internal/shared/config"
	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream/retention"
	"sluice.internal/shared/streamtest"
)

func TestRetentionFreesCapacityTellsTheOperatorAndEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx := streamtest.Context(t)
	streams := streamtest.Start(t).Open(t, func(s *config.Streams) { s.Notifications.MaxBytes = 16 << 10 })
	running, stop := context.WithCancel(ctx)
	told, failed := make(chan string, 10), false
	alert := func(_ context.Context, alert notification.Alert) error {
		if !failed { // What could not be told is told later.
			failed = true
			return errors.New("nobody listens")
		}
		told <- alert.Title
		return nil
	}
	ended := make(chan error)
	go func() {
		settings := retention.Settings{Interval: 10 * time.Millisecond, BusyInterval: 5 * time.Millisecond}
		ended <- retention.Run(running, streams.Client, settings, slog.New(slog.DiscardHandler), alert)
	}()
	streamtest.Publish(ctx, t, streams, 0, 1)
	half := int(0.85 / notificationsCapacity(ctx, t, streams).Share)
	streamtest.Publish(ctx, t, streams, 1, half-1)
	streamtest.Expect(ctx, t, told, "stream NOTIFICATIONS is filling up")
	stored := fill(ctx, t, streams)
	streamtest.Expect(ctx, t, told, "stream NOTIFICATIONS is full")
	streamtest.TakeIn(ctx, t, streams, stored)
	streamtest.Expect(ctx, t, told, "stream NOTIFICATIONS has capacity again")
	streamtest.Publish(ctx, t, streams, stored, 1)
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if len(told) > 0 {
		t.Errorf("and then told %q", <-told)
	}
}

func TestRetentionLogsAnOutageOnce(t *testing.T) {
	t.Parallel()
	ctx := streamtest.Context(t)
	server := streamtest.Start(t)
	streams := server.Open(t)
	running, stop := context.WithCancel(t.Context()) // Without a deadline, as in a process.
	var lines lines
	ended := make(chan error)
	go func() {
		ended <- retention.Run(running, streams.Client, retention.Settings{Interval: 50 * time.Millisecond},
			slog.New(slog.NewTextHandler(&lines, nil)), func(context.Context, notification.Alert) error { return nil })
	}()
	for range 2 {
		server.Stop()
		streamtest.Eventually(ctx, t, "the outage to be logged", func() bool { return strings.Contains(lines.String(), "in trouble") })
		server.Resume(t)
		streamtest.Eventually(ctx, t, "the end of the outage to be logged", func() bool { return strings.Contains(lines.String(), "works again") })
		if got := strings.Count(lines.String(), "\n"); got != 2 {
			t.Errorf("%d lines, want 2:\n%s", got, lines.String())
		}
		lines.reset()
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// lines is a log that may be read while it is written.
type lines struct {
	mutex  sync.Mutex
	buffer bytes.Buffer
}

func (l *lines) Write(line []byte) (int, error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.buffer.Write(line)
}

func (l *lines) String() string {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.buffer.String()
}

func (l *lines) reset() {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.buffer.Reset()
}
