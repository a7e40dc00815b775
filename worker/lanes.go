package worker

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/shared/stream"
)

// runHandlers hands events to handlers until the context ends, opening the group again whenever its consumers
// are lost.
func (w *Worker) runHandlers(ctx context.Context) {
	finishing, done := w.finishing(ctx)
	defer done()
	for ctx.Err() == nil {
		if err := w.consume(ctx, finishing); err != nil && ctx.Err() == nil {
			w.handling.Failed(err)
			pause(ctx, reopenPause)
			w.reopen(ctx)
		}
	}
}

func (w *Worker) reopen(ctx context.Context) {
	w.restore(ctx)
	group, err := w.streams.Group(ctx, w.settings.group())
	if err != nil {
		w.handling.Failed(err)
		return
	}
	w.group = group
}

// consume runs all lanes until the context ends, which is no error, or one of them is lost. It returns when the
// last handler has.
func (w *Worker) consume(ctx, finishing context.Context) error {
	lost := make(chan error, 1)
	report := func(err error) {
		if !isLost(err) {
			w.log.Debug("lane reported", "error", err) // The client recovers from all others by itself.
			return
		}
		select {
		case lost <- err:
		default:
		}
	}
	var stops []func()
	defer func() { w.stopAll(finishing, stops) }()
	for _, queue := range w.group.Queues {
		stop, err := w.serve(ctx, finishing, queue, report)
		if err != nil {
			return err
		}
		stops = append(stops, stop)
	}
	select {
	case <-ctx.Done():
		return nil
	case err := <-lost:
		return err
	}
}

// isLost tells whether a lane's consumer is gone for good.
func isLost(err error) bool {
	return errors.Is(err, jetstream.ErrConsumerDeleted) || errors.Is(err, jetstream.ErrConsumerNotFound) ||
		errors.Is(err, jetstream.ErrBadRequest) || errors.Is(err, nats.ErrNoResponders)
}

// stopAll stops all lanes at the same time, since each waits for its handler. Handlers that do not heed the end
// of their context are left behind; their events come again.
func (w *Worker) stopAll(finishing context.Context, stops []func()) {
	var group sync.WaitGroup
	for _, stop := range stops {
		group.Go(stop)
	}
	stopped := make(chan struct{})
	go func() {
		group.Wait()
		close(stopped)
	}()
	select {
	case <-stopped:
		return
	case <-finishing.Done():
	}
	select {
	case <-stopped:
	case <-time.After(lastGrace):
		w.log.Warn("handlers did not stop in time, their events will come again", "group", w.settings.Group)
	}
}

// lastGrace is how long a handler has to return after its context ended.
const lastGrace = 2 * time.Second

// serve begins to hand out a queue's events. Stop returns when the last handler has.
func (w *Worker) serve(ctx, finishing context.Context, queue *stream.Queue, report func(error)) (stop func(), err error) {
	if w.settings.Unordered {
		return w.serveWide(ctx, finishing, queue, report), nil
	}
	return queue.Serial(func(d *stream.Delivery) {
		if w.watch.frozen() && w.isStale(ctx, d) {
			return
		}
		w.handle(ctx, finishing, d)
	}, report)
}

// isStale tells whether an event that a frozen worker was given has gone to somebody else. What can't be found out
// comes again.
func (w *Worker) isStale(ctx context.Context, d *stream.Delivery) bool {
	stale, err := d.Stale(ctx)
	if stale || err != nil {
		w.log.Debug("event was handed out before this worker froze", "key", d.Key, "error", err)
	}
	return stale || err != nil
}

// keepAlive tells the server that the event is still being worked on, until release is called. A timer is all it
// costs where handlers are quick.
func keepAlive(d *stream.Delivery) (release func()) {
	var (
		mutex    sync.Mutex
		released bool
		timer    *time.Timer
	)
	mutex.Lock()
	defer mutex.Unlock()
	timer = time.AfterFunc(stream.KeepAlive, func() {
		mutex.Lock()
		defer mutex.Unlock()
		if released {
			return
		}
		_ = d.KeepAlive() // At worst the event comes again, with the same key.
		timer.Reset(stream.KeepAlive)
	})
	return func() {
		mutex.Lock()
		defer mutex.Unlock()
		released = true
		timer.Stop()
	}
}
