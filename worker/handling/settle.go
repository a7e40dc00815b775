package handling

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"sluice.internal/shared/metrics"
	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/consume"
	"sluice.internal/worker/isolation"
	"sluice.internal/worker/keyed"
	"sluice.internal/worker/storing"
)

// handle calls the event's handler once and says what becomes of the event. Stopping ends the waiting between attempts,
// finishing the work itself.
//
// The event is let go of last, after everything that becomes of it is stored. A crash before that repeats the event,
// and its key lets the handler notice.
func (r *Runner) handle(stopping, finishing context.Context, d *delivery, turn *keyed.Turn) keyed.Verdict {
	if stopping.Err() != nil {
		return keyed.GiveBack()
	}
	if err := d.body.takeUp(stopping, turn.Detach); err != nil {
		switch {
		case errors.Is(err, errStopped):
			return keyed.GiveBack()
		case errors.Is(err, consume.ErrErased):
			r.Log.Warn("event was erased before its handler had it", "group", r.Config.Group, "event", d.event.Sequence, "type", d.event.Type)
			return keyed.Done()
		}
		r.Log.Warn("body of an event can not be read, trying again", "key", d.event.Key, "error", err)
		return keyed.Again(reopenPause)
	}
	defer d.body.letGo()
	began := time.Now()
	handled, err := r.call(stopping, finishing, d.event, turn)
	took := time.Since(began)
	switch {
	case err == nil && !handled:
		r.noHandler(d.event)
		r.count(d.event, metrics.OutcomeNone, took)
		return keyed.Done()
	case err == nil:
		r.count(d.event, metrics.OutcomeDone, took)
		return keyed.Done()
	case isolation.IsDeadly(err):
		r.count(d.event, metrics.OutcomePoison, took)
		return r.bury(finishing, d.event, turn, notification.ReasonPoison, err)
	case errors.Is(err, isolation.ErrStopped): // Before the call.
		return keyed.GiveBack()
	case finishing.Err() != nil:
		// The worker was told to stop and the handler did not finish in time. That is no failed attempt, and another worker
		// begins at once.
		return keyed.GiveBack()
	}
	return r.fail(finishing, d.event, turn, err, took)
}

// count notes a call of a handler and what becomes of its event.
func (r *Runner) count(d *consume.Delivery, outcome string, took time.Duration) {
	r.Counts.Called(d.Type, outcome, took, d.ReceivedAt)
}

// call calls the event's handler once. What may kill the worker is called in isolation.
func (r *Runner) call(stopping, finishing context.Context, d *consume.Delivery, turn *keyed.Turn) (handled bool, err error) {
	if suspect := d.Suspect(); suspect != nil {
		turn.Detach() // It may have to wait for others.
		look, err := r.Suspects.Enter(stopping, suspect, r.keeper)
		if err != nil {
			return false, err
		}
		defer look.End() //nolint:contextcheck // A mark outlives the work that it is for.
	}
	return r.callHandler(finishing, d, turn)
}

// noHandler notes that nobody in this group handles an event.
func (r *Runner) noHandler(d *consume.Delivery) {
	r.Log.Debug("no handler in this group", "group", r.Config.Group, "source", d.Source, "type", d.Type,
		"instance", d.Instance, "key", d.Key, "received_at", d.ReceivedAt)
}

const (
	// maxHistory bounds how many attempts of an event are remembered while its chat waits for it, which may be for ever.
	// It is more than fit into a message. The oldest are dropped first, except for the firstTries: they show how it began.
	maxHistory = 1000
	firstTries = 3
)

// fail decides what becomes of an event after a failed attempt, which took so long.
func (r *Runner) fail(
	finishing context.Context, d *consume.Delivery, turn *keyed.Turn, failure error, took time.Duration,
) keyed.Verdict {
	try := notification.Try{At: time.Now(), Attempt: d.Attempt, Error: failure.Error()}
	d.History = append(d.History, try)
	if len(d.History) > maxHistory {
		d.History = slices.Delete(d.History, firstTries, firstTries+1)
	}
	if d.FirstFailedAt.IsZero() {
		d.FirstFailedAt = try.At
	}
	decision, delay := r.retries.decide(d, failure)
	r.count(d, decision.outcome(), took)
	switch decision {
	case retryParked:
		return r.park(finishing, d, turn, failure, delay)
	case buryExhausted:
		return r.bury(finishing, d, turn, notification.ReasonExhausted, failure)
	case buryRefused:
		return r.bury(finishing, d, turn, notification.ReasonRefused, failure)
	case retryInChat:
	}
	// Its chat waits. A worker that is told to stop meanwhile gives the event back, and another one tries it at once.
	r.Log.Warn("handler failed, trying again", r.failureAttributes(d, failure, "delay", delay)...)
	d.Attempt++
	return keyed.Again(delay)
}

// park sets the event aside, and only then lets go of it. While the stream of retries is full the chat waits: to go on
// would lose the event, to bury it would give up what may only be an outage. An event that the store refuses to set
// aside becomes a dead letter.
func (r *Runner) park(
	ctx context.Context, d *consume.Delivery, turn *keyed.Turn, failure error, delay time.Duration,
) keyed.Verdict {
	until := time.Now().Add(delay)
	err := r.keeperOf(turn).Store(ctx, func(ctx context.Context) error { return d.Park(ctx, until) })
	switch {
	case storing.IsRefused(err):
		return r.bury(ctx, d, turn, notification.ReasonUnstorable, fmt.Errorf("%w; it could not be set aside: %w", failure, err))
	case err != nil: // The worker has to end.
		return keyed.GiveBack()
	default:
		r.Log.Warn("handler failed, event set aside", r.failureAttributes(d, failure, "until", until)...)
		return keyed.Done()
	}
}

// keeperOf stores what becomes of an event. While the store does not take it, others are handled.
func (r *Runner) keeperOf(turn *keyed.Turn) storing.Storer {
	keeper := r.keeper
	keeper.Waiting = turn.Detach
	return keeper
}

// bury keeps the event as a dead letter, and only then lets go of it. When the store refuses even that, the group goes
// on without: the event itself stays in its stream for its time.
func (r *Runner) bury(ctx context.Context, d *consume.Delivery, turn *keyed.Turn, reason string, failure error) keyed.Verdict {
	kept, err := r.keeperOf(turn).Bury(ctx, &notification.DeadLetter{
		Event: d.Event, Reason: reason, Error: failure.Error(), Group: r.Config.Group, DiedAt: time.Now(),
	}, d.Bury)
	if err != nil && !storing.IsRefused(err) { // The worker has to end.
		return keyed.GiveBack()
	}
	message, title := "handler gave up, event kept as a dead letter", "handler gave up"
	if reason == notification.ReasonPoison {
		message, title = "event ends the workers that handle it, kept as a dead letter", "event kills workers"
	}
	attributes := []any{"reason", reason}
	if kept.BodyOmitted() {
		attributes = append(attributes, "body_size", kept.BodySize, "body_sha256", kept.BodySHA256)
	}
	if err != nil {
		message, title = "handler gave up, event passed over: no dead letter of it can be stored", "event passed over"
		attributes = append(attributes, "event", d.Sequence, "dead_letter_error", err)
	}
	r.Log.Error(message, r.failureAttributes(d, failure, attributes...)...)
	r.Alerts.Notify(notification.Alert{
		Severity: notification.SeverityCritical, Title: title, Detail: failure.Error(), At: time.Now(),
		Source: d.Source, Type: stream.Label(d.Type), Instance: stream.Label(d.Instance),
	})
	return keyed.Done()
}

// keepPause is how long to wait when an event could neither be set aside nor buried: its chat waits meanwhile.
const keepPause = 5 * time.Second

// failureAttributes are the attributes of a line about a failed try.
func (r *Runner) failureAttributes(d *consume.Delivery, failure error, more ...any) []any {
	return append([]any{
		"error", failure, "attempt", d.Attempt, "group", r.Config.Group,
		"source", d.Source, "type", d.Type, "instance", d.Instance, "key", d.Key, "received_at", d.ReceivedAt,
	}, more...)
}
