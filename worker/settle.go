package worker

import (
	"context"
	"slices"
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
	"sluice.internal/worker/handler"
)

// handle gives an event to its handler, until the verdict is final, and settles it. Stopping ends the waiting
// between tries, finishing the work itself.
func (w *Worker) handle(stopping, finishing context.Context, d *stream.Delivery) {
	release := keepAlive(d)
	defer release()
	for {
		w.handling.Works()
		handled, err := w.settings.Handlers.Handle(finishing, d.Event, handler.Tools{Log: w.log, Alert: w.alerts.publish})
		if err == nil {
			w.finish(d, handled)
			return
		}
		if finishing.Err() != nil {
			// The worker was told to stop and the handler did not finish in time. That is no failed try; another
			// worker begins at once.
			w.settled(d, d.Retry(0))
			return
		}
		if !w.fail(stopping, finishing, d, err) {
			return
		}
	}
}

func (w *Worker) finish(d *stream.Delivery, handled bool) {
	if !handled {
		w.log.Debug("no handler in this group", "group", w.settings.Group, "source", d.Source, "type", d.Type,
			"instance", d.Instance, "key", d.Key, "received_at", d.ReceivedAt)
	}
	w.settled(d, d.Done())
}

const (
	// longestHistory bounds how many tries of an event are remembered whose lane waits for it, more than are ever kept.
	// Of those that are dropped the first few are not.
	longestHistory = 1000
	firstTries     = 3
)

// fail decides what becomes of an event after a failed try. It returns whether to try again at once.
func (w *Worker) fail(stopping, finishing context.Context, d *stream.Delivery, failure error) (again bool) {
	try := notification.Try{At: time.Now(), Attempt: d.Attempt, Error: failure.Error()}
	d.History = append(d.History, try)
	if len(d.History) > longestHistory {
		d.History = slices.Delete(d.History, firstTries, firstTries+1)
	}
	if d.FirstFailedAt.IsZero() {
		d.FirstFailedAt = try.At
	}
	what, delay := w.settings.Retries.after(d, failure, !w.settings.Unordered)
	switch what {
	case stayInLane:
		return w.waitInLane(stopping, d, failure, delay)
	case setAside:
		w.park(finishing, d, failure, delay)
	case giveUp:
		w.bury(finishing, d, notification.ReasonExhausted, failure)
	case refuse:
		w.bury(finishing, d, notification.ReasonRefused, failure)
	}
	return false
}

// waitInLane lets the lane wait. A worker that is told to stop leaves the rest to another one.
func (w *Worker) waitInLane(stopping context.Context, d *stream.Delivery, failure error, delay time.Duration) (again bool) {
	w.log.Warn("handler failed, trying again", w.about(d, failure, "delay", delay)...)
	begin := time.Now()
	pause(stopping, delay)
	if stopping.Err() != nil {
		w.settled(d, d.Retry(max(delay-time.Since(begin), 0)))
		return false
	}
	d.Attempt++
	return true
}

// park sets the event aside, and only then lets go of it.
func (w *Worker) park(ctx context.Context, d *stream.Delivery, failure error, delay time.Duration) {
	until := time.Now().Add(delay)
	if !w.untilKept(ctx, d, func(ctx context.Context) error { return d.Park(ctx, until) }) {
		return
	}
	w.log.Warn("handler failed, event set aside", w.about(d, failure, "until", until)...)
	w.settled(d, d.Done())
}

// bury keeps the event as a dead letter, and only then lets go of it.
func (w *Worker) bury(ctx context.Context, d *stream.Delivery, reason string, failure error) {
	letter := &notification.DeadLetter{
		Event: d.Event, Reason: reason, Error: failure.Error(), Group: w.settings.Group, DiedAt: time.Now(),
	}
	if !w.untilKept(ctx, d, func(ctx context.Context) error { return d.Bury(ctx, letter) }) {
		return
	}
	w.log.Error("handler gave up, event kept as a dead letter", w.about(d, failure, "reason", reason)...)
	w.alerts.send(ctx, notification.Alert{
		Severity: notification.SeverityCritical, Title: "handler gave up", Detail: failure.Error(), At: time.Now(),
		Source: d.Source, Type: short(d.Type), Instance: short(d.Instance),
	})
	w.settled(d, d.Done())
}

// unkeptPause is how long to wait when an event could neither be set aside nor buried: its queue waits meanwhile.
const unkeptPause = 5 * time.Second

// untilKept calls keep until it succeeds. When the worker has to end before, the event comes again.
func (w *Worker) untilKept(ctx context.Context, d *stream.Delivery, keep func(context.Context) error) bool {
	for {
		bounded, cancel := context.WithTimeout(ctx, storeTimeout)
		err := keep(bounded)
		cancel()
		if err == nil {
			w.keeping.Works()
			return true
		}
		w.keeping.Failed(err)
		pause(ctx, unkeptPause)
		if ctx.Err() != nil {
			w.settled(d, d.Retry(0))
			return false
		}
	}
}

// about are the attributes of a line about a failed try.
func (w *Worker) about(d *stream.Delivery, failure error, more ...any) []any {
	return append([]any{
		"error", failure, "attempt", d.Attempt, "group", w.settings.Group,
		"source", d.Source, "type", d.Type, "instance", d.Instance, "key", d.Key, "received_at", d.ReceivedAt,
	}, more...)
}

// settled notes that the server could not be told. The event comes again then, with the same key.
func (w *Worker) settled(d *stream.Delivery, err error) {
	if err != nil {
		w.log.Debug("event not settled, it will come again", "key", d.Key, "error", err)
	}
}
