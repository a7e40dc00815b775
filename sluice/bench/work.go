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
	"sluice.internal/worker"
	"sluice.internal/worker/handler"
)

// work is what a worker is to do.
type work struct {
	Intake   bool `json:"intake"`
	Handlers bool `json:"handlers"`
	// Takes is how long a handler takes for an event.
	Takes time.Duration `json:"takes"`
	// Traced says that each event's time is to be told.
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

// tellEach is how often a worker tells what it has done.
const tellEach = 50 * time.Millisecond

// runWorker runs a worker from when it is told to begin, and tells what it does.
func (s spec) runWorker(ctx context.Context, out *json.Encoder, streams *stream.Streams, log *slog.Logger) error {
	settings, err := worker.FromConfig(&config.Config{Worker: config.Worker{
		Group: groupName, Ordered: true, Intake: s.Work.Intake, Handlers: s.Work.Handlers, ShutdownTimeout: time.Second,
	}})
	if err != nil {
		return err
	}
	handlers := &idle{types: settings.Handlers.Types(), work: s.Work}
	settings.Handlers = handlers
	works, err := worker.New(ctx, settings, streams, log)
	if err != nil {
		return err
	}
	if err := out.Encode(told{}); err != nil {
		return err
	}
	select {
	case <-s.begin:
	case <-ctx.Done():
		return nil
	}
	ended := make(chan error, 1)
	go func() { ended <- works.Run(ctx) }()
	return handlers.tellUntil(ended, out)
}

// groupName is the workers' group.
const groupName = "bench"

// idle handles every type by waiting.
type idle struct {
	types []string
	work  work

	mutex sync.Mutex
	done  progress
	told  int
}

// Handle waits as long as handling takes.
func (i *idle) Handle(ctx context.Context, event notification.Event, _ handler.Tools) (handled bool, err error) {
	if i.work.Takes > 0 && !wait(ctx, time.Now().Add(i.work.Takes)) {
		return true, ctx.Err()
	}
	i.note(event.Lane, time.Now())
	return true, nil
}

// Types are those that a worker handles otherwise.
func (i *idle) Types() []string { return i.types }

func (i *idle) note(lane int, at time.Time) {
	i.mutex.Lock()
	defer i.mutex.Unlock()
	i.done.Handled++
	i.done.Last = at
	if i.work.Traced {
		i.done.Steps = append(i.done.Steps, step{lane, at})
	}
}

// tellUntil tells what is done until the worker has ended, and returns why that was.
func (i *idle) tellUntil(ended <-chan error, out *json.Encoder) (failure error) {
	ticker := time.NewTicker(tellEach)
	defer ticker.Stop()
	for {
		select {
		case err := <-ended:
			return errors.Join(err, failure, i.tell(out))
		case <-ticker.C:
			failure = cmp.Or(failure, i.tell(out))
		}
	}
}

// tell tells what is done, if that is more than was told.
func (i *idle) tell(out *json.Encoder) error {
	i.mutex.Lock()
	done := i.done
	i.done.Steps = nil
	i.mutex.Unlock()
	if done.Handled == i.told {
		return nil
	}
	i.told = done.Handled
	return out.Encode(told{Progress: &done})
}
