package bench

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync/atomic"
	"time"

	"sluice.internal/shared/config"
	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
	"sluice.internal/worker"
	"sluice.internal/worker/handler"
)

// drained says how long a worker took for a backlog.
type drained struct {
	// Events is the time until all were events, Handled until all of those were handled, in seconds.
	Events  float64 `json:"events"`
	Handled float64 `json:"handled"`
}

// nothing handles every type by doing nothing, and notes when it has done so often enough.
type nothing struct {
	types   []string
	wanted  int64
	handled atomic.Int64
	done    chan time.Time
}

// Handle does nothing.
func (n *nothing) Handle(context.Context, notification.Event, handler.Tools) (handled bool, err error) {
	if n.handled.Add(1) == n.wanted {
		n.done <- time.Now()
	}
	return true, nil
}

// Types are those that a worker handles otherwise.
func (n *nothing) Types() []string { return n.types }

// runWorker runs a worker until it has handled the backlog, and says how long that took.
func (s spec) runWorker(ctx context.Context, out *json.Encoder, streams *stream.Streams, log *slog.Logger) error {
	settings, err := worker.FromConfig(&config.Config{Worker: config.Worker{Group: "bench", Intake: true, ShutdownTimeout: time.Second}})
	if err != nil {
		return err
	}
	handlers := &nothing{types: settings.Handlers.Types(), wanted: int64(s.Backlog), done: make(chan time.Time, 1)}
	settings.Handlers = handlers
	works, err := worker.New(ctx, settings, streams, log)
	if err != nil {
		return err
	}
	if err := out.Encode(told{}); err != nil {
		return err
	}
	began := time.Now()
	ended := make(chan error, 1)
	go func() { ended <- works.Run(ctx) }()
	select {
	case done := <-handlers.done:
		result, err := howLong(ctx, streams, began, done)
		if err == nil {
			err = out.Encode(told{Drained: result})
		}
		if err != nil {
			return err
		}
	case <-ctx.Done():
	}
	return <-ended
}

// howLong asks the stream when its last event was stored.
func howLong(ctx context.Context, streams *stream.Streams, began, done time.Time) (*drained, error) {
	opened, err := streams.JetStream().Stream(ctx, stream.Events)
	if err != nil {
		return nil, err
	}
	stored := opened.CachedInfo().State.LastTime
	return &drained{Events: stored.Sub(began.UTC()).Seconds(), Handled: done.Sub(began).Seconds()}, nil
}
