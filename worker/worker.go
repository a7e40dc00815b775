package worker

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"sluice.internal/shared/alerting"
	"sluice.internal/shared/config"
	"sluice.internal/shared/metrics"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/consume"
	"sluice.internal/shared/stream/reply"
	"sluice.internal/shared/stream/retention"
	"sluice.internal/worker/greenapi"
	"sluice.internal/worker/handling"
	"sluice.internal/worker/intake"
	"sluice.internal/worker/isolation"
)

// Worker runs the intake and the handlers of one process.
type Worker struct {
	cfg      config.Worker
	wanted   config.Streams // how long processed messages stay
	types    []string       // that have a handler
	client   *stream.Client
	log      *slog.Logger
	alerts   *alerting.Notifier
	suspects *isolation.Isolation
	intake   *intake.Runner   // nil where others do it
	handling *handling.Runner // nil where others do it
	held     *metrics.Store   // nil where nobody collects it
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
	w := &Worker{
		cfg: cfg.Worker, wanted: cfg.Streams, types: parts.Handlers.Types(), client: client, log: log,
		alerts:   alerting.New(client.PublishAlert, cfg.Streams.Alerts.GroupWindow, log),
		suspects: isolation.New(log),
	}
	streams, memoryLimit := consume.NewClient(client), int64(cfg.MemoryLimit)
	if cfg.Worker.Intake {
		w.intake = intake.New(intake.Parts{
			Streams: streams, Schemas: parts.Schemas, Providers: parts.Providers, MemoryLimit: memoryLimit,
			Suspects: w.suspects, Alerts: w.alerts, Log: log, Counts: parts.Metrics.Intake(),
		})
	}
	if cfg.Admin.Listen != "" { // Else nobody collects it.
		w.held = parts.Metrics.Store()
	}
	if !cfg.Worker.Handlers {
		return w, nil
	}
	replier := &greenapi.Replier{
		Accounts: parts.Accounts, Records: reply.NewClient(client), Group: cfg.Worker.Group, Alert: w.alerts.Publish, Log: log,
	}
	w.handling, err = handling.New(ctx, handling.Parts{
		Config: cfg.Worker, MemoryLimit: memoryLimit, Streams: streams, Handlers: parts.Handlers, Reply: replier.Reply,
		RetryDelays: *parts.RetryDelays, Suspects: w.suspects, Alerts: w.alerts, Log: log,
		Counts: parts.Metrics.Handling(cfg.Worker.Group, w.types),
	})
	if err != nil {
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
	finishing, done := w.finishing(ctx)
	defer done()
	w.log.Info("worker started", "group", w.cfg.Group, "types", w.types, "intake", w.cfg.Intake,
		"handlers", w.cfg.Handlers, "shards", w.client.Shards(), "lanes", w.client.Lanes())
	stopAlerts := w.startAlerts(ctx)
	stopSuspects := w.suspects.Start(ctx)
	var group sync.WaitGroup
	if w.intake != nil {
		group.Go(func() { w.intake.Run(ctx, finishing) })
	}
	if w.handling != nil {
		group.Go(func() { w.handling.Run(ctx, finishing, end) })
	}
	group.Go(func() { w.runRetention(ctx) })
	if w.held != nil {
		group.Go(func() { w.watchStore(ctx) })
	}
	group.Wait()
	stopSuspects()
	stopAlerts()
	w.log.Info("worker stopped")
	if cause := context.Cause(ctx); errors.Is(cause, handling.ErrHeedless) {
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
