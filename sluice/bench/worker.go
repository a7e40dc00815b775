package bench

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"
	"time"

	"sluice.internal/shared/config"
	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
	"sluice.internal/sluice/bench/loadgen"
	"sluice.internal/worker"
	"sluice.internal/worker/handler"
)

// work is what a worker is to do.
type work struct {
	Intake   bool `json:"intake"`
	Handlers bool `json:"handlers"`
	// Takes is how long a handler takes for an event.
	Takes time.Duration `json:"takes"`
	// Concurrency is how many events are handled at a time.
	Concurrency int `json:"concurrency"`
	// Traced says that each event's time is reported.
	Traced bool `json:"traced"`
}

// progress is what a worker has done so far.
type progress struct {
	Handled int `json:"handled"`
	// Last is when the last one was handled.
	Last time.Time `json:"last"`
	// Steps are those since the progress before, if they are traced.
	Steps []step `json:"steps,omitempty"`
}

// step is that a lane went on.
type step struct {
	Lane int       `json:"lane"`
	At   time.Time `json:"at"`
}

// progressInterval is how often a worker reports what it has done.
const progressInterval = 50 * time.Millisecond

// runWorker runs a worker from when it is told to begin, and reports what it does.
func (s spec) runWorker(ctx context.Context, out *json.Encoder, streams *stream.Client, log *slog.Logger) error {
	cfg := config.Default()
	cfg.Worker.Group, cfg.Worker.ShutdownTimeout = groupName, time.Second
	cfg.Worker.Intake, cfg.Worker.Handlers = s.Work.Intake, s.Work.Handlers
	cfg.Worker.Concurrency = cmp.Or(s.Work.Concurrency, cfg.Worker.Concurrency)
	handlers := &idle{types: handler.BuiltIn().Types(), work: s.Work}
	works, err := worker.New(ctx, cfg, worker.Parts{Handlers: handlers}, streams, log)
	if err != nil {
		return err
	}
	if err := out.Encode(message{}); err != nil {
		return err
	}
	select {
	case <-s.begin:
	case <-ctx.Done():
		return nil
	}
	ended := make(chan error, 1)
	go func() { ended <- works.Run(ctx) }()
	return handlers.reportUntil(ended, out)
}

// groupName is the workers' group.
const groupName = "bench"

// idle handles every type by waiting.
type idle struct {
	types []string
	work  work

	mutex    sync.Mutex
	done     progress
	reported int
}

// Handle waits as long as handling takes.
func (i *idle) Handle(ctx context.Context, event notification.Event, _ handler.Tools) (handled bool, err error) {
	if i.work.Takes > 0 && !loadgen.WaitUntil(ctx, time.Now().Add(i.work.Takes)) {
		return true, ctx.Err()
	}
	i.note(event.Lane, time.Now())
	return true, nil
}

// Types are those that a worker handles otherwise.
func (i *idle) Types() []string { return i.types }

func (*idle) Timeout(string, string) time.Duration { return 0 }

// note counts an event of a lane, and keeps when each lane went on where that was asked for.
func (i *idle) note(lane int, at time.Time) {
	i.mutex.Lock()
	defer i.mutex.Unlock()
	i.done.Handled++
	i.done.Last = at
	if i.work.Traced {
		i.done.Steps = append(i.done.Steps, step{lane, at})
	}
}

// reportUntil tells what is done until the worker has ended, and returns why that was.
func (i *idle) reportUntil(ended <-chan error, out *json.Encoder) (failure error) {
	ticker := time.NewTicker(progressInterval)
	defer ticker.Stop()
	for {
		select {
		case err := <-ended:
			return errors.Join(err, failure, i.report(out))
		case <-ticker.C:
			failure = cmp.Or(failure, i.report(out))
		}
	}
}

// report reports what is done, if that is more than was told.
func (i *idle) report(out *json.Encoder) error {
	i.mutex.Lock()
	done := i.done
	i.done.Steps = nil
	i.mutex.Unlock()
	if done.Handled == i.reported {
		return nil
	}
	i.reported = done.Handled
	return out.Encode(message{Progress: &done})
}
