package worker

import (
	"context"
	"errors"
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
	"sluice.internal/worker/handler"
)

// unsettledDelay is how long an event waits whose dead letter could not be stored.
const unsettledDelay = 5 * time.Second

func (w *Worker) finish(d *stream.Delivery, handled bool) {
	if !handled {
		w.log.Debug("no handler in this group", "group", w.settings.Group, "source", d.Source, "type", d.Type,
			"instance", d.Instance, "key", d.Key, "received_at", d.ReceivedAt)
	}
	w.settled(d, d.Done())
}

// fail tries an event again later, or buries it when that is of no use.
func (w *Worker) fail(ctx context.Context, d *stream.Delivery, failure error) {
	if ctx.Err() != nil {
		// The worker was told to stop and the handler did not finish in time. That is no failed try; another
		// worker begins at once.
		w.settled(d, d.Retry(0))
		return
	}
	switch {
	case errors.Is(failure, handler.ErrPermanent):
		w.bury(ctx, d, notification.ReasonRefused, failure)
	case d.Attempt > len(w.settings.RetryDelays):
		w.bury(ctx, d, notification.ReasonExhausted, failure)
	default:
		w.retry(d, failure)
	}
}

func (w *Worker) retry(d *stream.Delivery, failure error) {
	delay, asked := handler.RetryDelay(failure)
	if !asked {
		delay = w.settings.RetryDelays[max(d.Attempt, 1)-1]
	}
	w.log.Warn("handler failed, trying again", "error", failure, "attempt", d.Attempt, "delay", delay,
		"source", d.Source, "type", d.Type, "instance", d.Instance, "key", d.Key, "received_at", d.ReceivedAt)
	w.settled(d, d.Retry(delay))
}

// bury keeps the event as a dead letter, and only then lets go of it.
func (w *Worker) bury(ctx context.Context, d *stream.Delivery, reason string, failure error) {
	letter := &notification.DeadLetter{
		Event: d.Event, Reason: reason, Error: failure.Error(), Group: w.settings.Group, DiedAt: time.Now(),
	}
	bounded, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	if err := w.streams.PublishDeadLetter(bounded, letter); err != nil {
		w.handling.Failed(err)
		w.settled(d, d.Retry(unsettledDelay))
		return
	}
	w.log.Error("handler gave up, event kept as a dead letter", "reason", reason, "error", failure,
		"attempt", d.Attempt, "group", w.settings.Group,
		"source", d.Source, "type", d.Type, "instance", d.Instance, "key", d.Key, "received_at", d.ReceivedAt)
	w.alerts.send(ctx, notification.Alert{
		Severity: notification.SeverityCritical, Title: "handler gave up", Detail: failure.Error(), At: time.Now(),
		Source: d.Source, Type: short(d.Type), Instance: short(d.Instance),
	})
	w.settled(d, d.Done())
}

// settled notes that the server could not be told. The event comes again then, with the same key.
func (w *Worker) settled(d *stream.Delivery, err error) {
	if err != nil {
		w.log.Debug("event not settled, it will come again", "key", d.Key, "error", err)
	}
}
