package worker

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"sluice.internal/shared/service"
	"sluice.internal/shared/stream"
)

const (
	// reopenPause is how long to wait before a consumer that failed is opened again.
	reopenPause = time.Second
	// closeTimeout bounds how long giving up a shard may take. When the server is gone there is nothing to give up.
	closeTimeout = 2 * time.Second
)

// Worker runs the intake and the handlers of one process.
type Worker struct {
	settings Settings
	streams  *stream.Streams
	log      *slog.Logger
	group    *stream.Group // nil without handlers
	alerts   *alerter
	intake   *service.Condition
	handling *service.Condition
	keeping  *service.Condition // of events that handlers failed at
	watch    watch
}

// New opens the group's consumers. It fails when the settings are wrong or the group runs with other types.
// Without handlers there is no group.
func New(ctx context.Context, settings Settings, streams *stream.Streams, log *slog.Logger) (*Worker, error) {
	settings, err := settings.complete()
	if err != nil {
		return nil, err
	}
	w := &Worker{
		settings: settings, streams: streams, log: log,
		alerts:   &alerter{streams: streams, log: log},
		intake:   service.NewCondition("intake", log),
		handling: service.NewCondition("group "+settings.Group, log),
		keeping:  service.NewCondition("setting aside for group "+settings.Group, log),
	}
	if settings.NoHandlers {
		return w, nil
	}
	if w.group, err = streams.Group(ctx, settings.group()); err != nil {
		return nil, err
	}
	return w, nil
}

// Run works until the context ends. Then it takes nothing new, finishes what is under way within the shutdown
// timeout, and returns nil. What it could not finish in time stays in the streams and comes again.
func (w *Worker) Run(ctx context.Context) error {
	w.log.Info("worker started", "group", w.settings.Group, "types", w.settings.Handlers.Types(),
		"intake", !w.settings.NoIntake, "handlers", !w.settings.NoHandlers, "shards", w.streams.Shards(), "lanes", w.streams.Lanes())
	var group sync.WaitGroup
	if !w.settings.NoIntake {
		for shard := range w.streams.Shards() {
			group.Go(func() { w.runShard(ctx, shard) })
		}
		group.Go(func() { w.runSilences(ctx) })
	}
	if !w.settings.NoHandlers {
		group.Go(func() { w.watch.run(ctx) })
		group.Go(func() { w.runHandlers(ctx) })
	}
	group.Go(func() { w.runRetention(ctx) })
	group.Wait()
	w.log.Info("worker stopped")
	return nil
}

// runRetention makes room in the streams. Every worker does it: who comes first trims, and the others find nothing.
func (w *Worker) runRetention(ctx context.Context) {
	settings := stream.RetentionSettings{Keep: w.settings.Keep}
	if err := w.streams.RunRetention(ctx, settings, w.log, w.alerts.publish); err != nil {
		w.log.Error("retention ended", "error", err)
	}
}

// finishing returns a context for work under way: it outlives ctx by the shutdown timeout.
func (w *Worker) finishing(ctx context.Context) (context.Context, context.CancelFunc) {
	outliving, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		timer := time.AfterFunc(w.settings.ShutdownTimeout, func() { cancel(errStopped) })
		context.AfterFunc(outliving, func() { timer.Stop() })
	})
	return outliving, func() {
		stop()
		cancel(nil)
	}
}

var errStopped = errors.New("the time for stopping is over")

// pause waits, unless the context ends before.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
