package worker

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"sluice.internal/shared/alerting"
	"sluice.internal/shared/config"
	"sluice.internal/shared/service"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/consume"
	"sluice.internal/shared/stream/retention"
)

// closeTimeout bounds how long giving up a shard or a partition may take. When the server is gone there is nothing to give up.
const closeTimeout = 2 * time.Second

// Worker runs the intake and the handlers of one process.
type Worker struct {
	cfg      config.Worker
	wanted   config.Streams // how long processed messages stay
	parts    Parts
	client   *stream.Client
	streams  *consume.Client
	log      *slog.Logger
	group    *consume.Group // nil without handlers
	retries  retryPolicy
	alerts   *alerting.Notifier
	handling *service.Condition
	keeper   storer // of events that handlers failed at
	suspects *isolation
	calls    *calls
	began    time.Time
	reading  *memoryBudget // by the intake
	holding  *bodies       // of events
}

// New opens the group's consumers, if the worker handles events. It fails when the configuration can't be met or the
// group runs with other types. The configuration is one that package config has checked.
func New(
	ctx context.Context, cfg *config.Config, parts Parts, client *stream.Client, log *slog.Logger,
) (*Worker, error) {
	if !cfg.Worker.Intake && !cfg.Worker.Handlers {
		return nil, errNothingToDo
	}
	parts, err := parts.complete(cfg)
	if err != nil {
		return nil, err
	}
	group := cfg.Worker.Group
	w := &Worker{
		cfg: cfg.Worker, wanted: cfg.Streams, parts: parts, client: client, streams: consume.NewClient(client), log: log,
		retries:  newRetryPolicy(cfg.Worker, *parts.RetryDelays),
		alerts:   alerting.New(client.PublishAlert, cfg.Streams.Alerts.GroupWindow, log),
		handling: service.NewCondition("group "+group, log),
		keeper:   storer{health: service.NewCondition("setting aside for group "+group, log), pause: keepPause},
		suspects: newIsolation(log),
		reading:  newMemoryBudget(int64(cfg.MemoryLimit), readingShare, maxReading),
		holding:  newBodies(int64(cfg.MemoryLimit)),
		calls:    newCalls(log),
		began:    time.Now(),
	}
	if !cfg.Worker.Handlers {
		return w, nil
	}
	if w.group, err = w.streams.Group(ctx, groupSettings(cfg.Worker)); err != nil {
		return nil, err
	}
	return w, nil
}

// Run works until the context ends. Then it takes nothing new, finishes what is under way within the shutdown
// timeout, and returns nil. What it could not finish in time stays in the streams and comes again. It ends by itself, with an
// error, when too many handlers do not heed their context.
func (w *Worker) Run(ctx context.Context) error {
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	w.calls.end = end
	w.log.Info("worker started", "group", w.cfg.Group, "types", w.parts.Handlers.Types(), "intake", w.cfg.Intake,
		"handlers", w.cfg.Handlers, "shards", w.streams.Shards(), "lanes", w.streams.Lanes())
	stopAlerts := w.startAlerts(ctx)
	stopSuspects := w.suspects.start(ctx)
	var group sync.WaitGroup
	if w.cfg.Intake {
		for shard := range w.streams.Shards() {
			group.Go(func() { w.runShard(ctx, shard) })
		}
		group.Go(func() { w.runSilences(ctx) })
	}
	if w.cfg.Handlers {
		group.Go(func() { w.runHandlers(ctx) })
	}
	group.Go(func() { w.runRetention(ctx) })
	group.Wait()
	stopSuspects()
	stopAlerts()
	w.log.Info("worker stopped")
	if cause := context.Cause(ctx); errors.Is(cause, errHeedless) {
		return cause
	}
	return nil
}

// startAlerts stores alerts until stop is called. Stop comes last, because work that is finished may still alert.
func (w *Worker) startAlerts(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var running sync.WaitGroup
	running.Go(func() { _ = w.alerts.Run(ctx) }) // It has no error but for the sake of service.Part.
	return func() {
		cancel()
		running.Wait()
	}
}

// runRetention frees capacity in the streams. Every worker does it: who comes first trims, and the others find nothing. Its
// alerts are waited for, because it tells again what could not be told.
func (w *Worker) runRetention(ctx context.Context) {
	var rejections sync.WaitGroup
	defer rejections.Wait()
	rejections.Go(func() { retention.RunRejections(ctx, w.client, w.log, w.alerts.Publish) })
	settings := retention.Settings{Streams: w.wanted}
	if err := retention.Run(ctx, w.client, settings, w.log, w.alerts.Publish); err != nil {
		w.log.Error("retention ended", "error", err)
	}
}

// finishing returns a context for work under way: it outlives ctx by the shutdown timeout.
func (w *Worker) finishing(ctx context.Context) (context.Context, context.CancelFunc) {
	outliving, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		timer := time.AfterFunc(w.cfg.ShutdownTimeout, func() { cancel(errStopped) })
		context.AfterFunc(outliving, func() { timer.Stop() })
	})
	return outliving, func() {
		stop()
		cancel(nil)
	}
}

var errStopped = errors.New("the time for stopping is over")
