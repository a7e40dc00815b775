package worker

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"sync"
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
)

// runShard takes in one shard until the context ends, opening its consumer again whenever that fails.
func (w *Worker) runShard(ctx context.Context, shard int) {
	judge := newJudge(w.settings, w.streams)
	for ctx.Err() == nil {
		err := w.takeIn(ctx, shard, judge)
		if ctx.Err() != nil {
			return
		}
		w.intake.Failed(err)
		pause(ctx, reopenPause)
		w.restore(ctx)
	}
}

// restore makes streams anew that the server lost.
func (w *Worker) restore(ctx context.Context) {
	if err := w.streams.Restore(ctx); err != nil {
		w.log.Debug("streams not restored", "error", err)
	}
}

// takeIn opens the shard's consumer and processes its batches until one of both fails or the context ends.
func (w *Worker) takeIn(ctx context.Context, shard int, judge *judge) error {
	intake, err := w.streams.Intake(ctx, shard)
	if err != nil {
		return err
	}
	finishing, done := w.finishing(ctx)
	defer done()
	defer func() {
		closing, cancel := context.WithTimeout(finishing, closeTimeout)
		defer cancel()
		if err := intake.Close(closing); err != nil {
			w.log.Debug("shard not given up", "error", err)
		}
	}()
	for {
		batch, err := intake.Next(ctx)
		if err != nil {
			return err
		}
		if err := w.process(finishing, batch, judge); err != nil {
			return err
		}
		w.intake.Works()
	}
}

// process makes events and dead letters of a batch and acknowledges it. It tries for as long as it takes; an
// error means that it was told to stop, or that something is wrong with the batch, and that the rest of it
// comes again.
func (w *Worker) process(ctx context.Context, batch []stream.Received, judge *judge) error {
	verdicts := judge.all(batch)
	judge.objects.begin()
	if err := w.eachObject(ctx, verdicts, judge.objects.mark); err != nil {
		return err
	}
	if err := w.publishEvents(ctx, verdicts); err != nil {
		return err
	}
	if err := w.eachObject(ctx, verdicts, judge.objects.remember); err != nil {
		return err
	}
	for i := range verdicts {
		if letter := verdicts[i].letter; letter != nil {
			if err := w.untilStored(ctx, func(ctx context.Context) error { return w.streams.PublishDeadLetter(ctx, letter) }); err != nil {
				return err
			}
		}
		w.tell(ctx, &verdicts[i])
	}
	for i := range batch {
		if err := batch[i].Ack(); err != nil {
			return err
		}
	}
	return nil
}

// eachObject does something with the events that are about an object.
func (w *Worker) eachObject(
	ctx context.Context, verdicts []verdict, do func(context.Context, *notification.Event) error,
) error {
	for i := range verdicts {
		if event := &verdicts[i].event; verdicts[i].letter == nil && hasObject(event) {
			if err := w.untilStored(ctx, func(ctx context.Context) error { return do(ctx, event) }); err != nil {
				return err
			}
		}
	}
	return nil
}

// publishEvents stores the events among the verdicts in their order and marks the duplicates.
func (w *Worker) publishEvents(ctx context.Context, verdicts []verdict) error {
	var (
		events []notification.Event
		places []int
	)
	for i := range verdicts {
		if verdicts[i].letter == nil {
			events = append(events, verdicts[i].event)
			places = append(places, i)
		}
	}
	for len(events) > 0 {
		err := w.untilStored(ctx, func(ctx context.Context) error {
			stored, err := w.streams.PublishEvents(ctx, events)
			for i, outcome := range stored {
				verdicts[places[i]].stored = outcome
			}
			events, places = events[len(stored):], places[len(stored):]
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// untilStored calls store until it succeeds, for as long as the store has no room or does not answer.
func (w *Worker) untilStored(ctx context.Context, store func(context.Context) error) error {
	for {
		attempt, cancel := context.WithTimeout(ctx, storeTimeout)
		err := store(attempt)
		cancel()
		if err == nil {
			w.intake.Works()
			return nil
		}
		if ctx.Err() != nil {
			return err
		}
		w.intake.Failed(err)
		if !errors.Is(err, stream.ErrFull) && !errors.Is(err, stream.ErrUnavailable) {
			return err
		}
		pause(ctx, reopenPause)
	}
}

// storeTimeout is how long a worker waits before it says that the store is in trouble.
const storeTimeout = 10 * time.Second

// tell logs what became of a notification, and alerts the operator where a person should look.
func (w *Worker) tell(ctx context.Context, v *verdict) {
	if v.letter == nil && !v.unknown && v.ignored == nil && !w.log.Enabled(ctx, slog.LevelDebug) {
		return // Nearly all of them.
	}
	log := w.log.With("source", v.event.Source, "type", v.event.Type, "instance", v.event.Instance,
		"received_at", v.event.ReceivedAt, "notification", v.event.NotificationSequence)
	switch {
	case v.letter != nil:
		log.Error("notification is invalid, kept as a dead letter", "error", v.letter.Error, "faults", v.letter.Faults)
		w.alerts.send(ctx, v.alert(notification.SeverityCritical, "invalid notification", v.letter.Error))
	case v.stored.Duplicate:
		log.Debug("notification came before", "key", v.event.Key)
	case v.ignored != nil:
		log.Warn("notification is invalid, accepted because its source is observed", "error", summary(v.ignored), "faults", v.ignored,
			"key", v.event.Key, "event", v.stored.Sequence)
		w.alerts.send(ctx, v.alert(notification.SeverityWarning, "invalid notification accepted", summary(v.ignored)))
	case v.unknown:
		log.Warn("notification of a new type accepted", "key", v.event.Key, "event", v.stored.Sequence)
		w.alerts.send(ctx, v.alert(notification.SeverityWarning, "new type of notification",
			"There is no schema for it, so it was accepted as it is."))
	default:
		log.Debug("notification accepted", "key", v.event.Key, "event", v.stored.Sequence, "lane", v.event.Lane)
	}
}

// parallelFrom is the size of a batch from which on judging it on all processors is faster.
const parallelFrom = 32

// all judges a batch. Bodies are read on all processors; what depends on the order is done after, in order.
func (j *judge) all(batch []stream.Received) []verdict {
	verdicts := make([]verdict, len(batch))
	workers := 1
	if len(batch) >= parallelFrom {
		workers = runtime.GOMAXPROCS(0)
	}
	var group sync.WaitGroup
	for first := range workers {
		group.Go(func() {
			for i := first; i < len(batch); i += workers {
				verdicts[i] = j.one(&batch[i].Notification)
			}
		})
	}
	group.Wait()
	for i := range verdicts {
		verdicts[i].event.Key = j.repeats.key(verdicts[i].event.Identity, verdicts[i].event.ReceivedAt)
	}
	return verdicts
}
