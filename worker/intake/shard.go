package intake

import (
	"context"
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/service"
	"sluice.internal/shared/stream/consume"
	"sluice.internal/worker/isolation"
	"sluice.internal/worker/storing"
)

const (
	// reopenPause is how long to wait before a consumer that failed is opened again. Senders are answered all the while, so that
	// nothing is gained by asking a server more often that is just coming back.
	reopenPause = time.Second
	// closeTimeout bounds how long giving up a shard may take. When the server is gone there is nothing to give up.
	closeTimeout = 2 * time.Second
)

// shardIntake takes in one shard. Its notifications are processed one batch after the other, which keeps their order.
type shardIntake struct {
	*Runner

	shard     int
	validator *validator
	// health is the shard's own, so that a shard that works says nothing about one that does not.
	health *service.Condition
	store  storing.Storer
	// order is for the moment in which the shard goes over to another version of the keys, nil before.
	order *formerOrder
}

// runShard takes in one shard until stopping ends. Whenever the shard's consumer fails it is opened again, after a
// pause and without end: the shard has no other way in, and the operator is told by its condition.
func (r *Runner) runShard(stopping, finishing context.Context, shard int) {
	health := service.NewCondition("intake", r.Log.With("shard", shard))
	s := &shardIntake{
		Runner: r, shard: shard, health: health, store: storing.Storer{Health: health, Pause: reopenPause},
		validator: &validator{
			schemas: r.Schemas, providers: r.Providers, streams: r.Streams, newest: newest{streams: r.Streams}, reading: r.reading,
		},
	}
	for stopping.Err() == nil {
		err := s.serve(stopping, finishing)
		if stopping.Err() != nil {
			return
		}
		s.health.Failed(err)
		_ = service.Sleep(stopping, reopenPause)
		if err := r.Streams.Restore(stopping); err != nil { // The server may have lost the streams as well.
			r.Log.Debug("streams not restored", "error", err)
		}
	}
}

// serve opens the shard's consumer and processes its batches until one of both fails or stopping ends.
func (s *shardIntake) serve(stopping, finishing context.Context) error {
	intake, err := s.Streams.Intake(stopping, s.shard)
	if err != nil {
		return err
	}
	defer func() {
		// With finishing, as stopping has ended already when the worker is told to stop: the next worker begins at once then.
		closing, cancel := context.WithTimeout(finishing, closeTimeout)
		defer cancel()
		if err := intake.Close(closing); err != nil {
			s.Log.Debug("shard not given up", "error", err)
		}
	}()
	for {
		batch, err := intake.Next(stopping)
		if err != nil {
			return err
		}
		if former, crosses := intake.Crossing(batch); crosses {
			err = s.cross(stopping, finishing, intake, batch, former)
		} else {
			err = s.processAny(stopping, finishing, batch)
		}
		if err != nil {
			return err
		}
		s.health.Works()
	}
}

// processAny processes a batch. One notification that may kill the worker is processed in isolation; after it has killed
// enough of them it becomes a dead letter that nobody has read.
func (s *shardIntake) processAny(stopping, finishing context.Context, batch []consume.Received) error {
	suspect := batch[0].Suspect() // Who looks at suspects asks for one notification at a time.
	if suspect == nil {
		return s.process(finishing, s.store, batch, s.validator.batch)
	}
	look, err := s.Suspects.Enter(stopping, suspect, s.store)
	if isolation.IsDeadly(err) {
		return s.process(finishing, s.store, batch, func(batch []consume.Received) ([]outcome, int) {
			return []outcome{s.validator.poison(&batch[0].Notification, err)}, 1
		})
	}
	if err != nil {
		return err
	}
	defer look.End() //nolint:contextcheck // A mark outlives the work that it is for.
	// While it waits for the store it kills nobody, and whoever stops the worker then, stops one in good health.
	patient := s.store
	patient.Waiting = look.End
	return s.process(finishing, patient, batch, s.validator.batch)
}

// process makes events and dead letters of a batch and acknowledges it, in this order: a crash in between repeats the
// batch, and its events are duplicates then. Validate returns the outcomes of the first of them, and how many those are.
//
// It waits for a store that is full or does not answer. What the store refuses it passes over, so that no notification
// holds up those behind it for ever. An error means that the worker was told to stop; the batch comes again then.
func (s *shardIntake) process(
	ctx context.Context, store storing.Storer, batch []consume.Received, validate func([]consume.Received) ([]outcome, int),
) error {
	for len(batch) > 0 {
		outcomes, count := validate(batch)
		if err := s.storeAll(ctx, store, outcomes); err != nil {
			return err
		}
		// Nothing waits for the server's word about these: one that is lost makes the notification come again, as a duplicate.
		for i := range batch[:count] {
			if err := batch[i].Ack(); err != nil {
				return err
			}
		}
		batch = batch[count:]
	}
	return nil
}

// storeAll stores events and dead letters, and reports them.
func (s *shardIntake) storeAll(ctx context.Context, store storing.Storer, outcomes []outcome) error {
	if err := (windows{s.Streams}).keys(ctx, store, outcomes); err != nil {
		return err
	}
	s.validator.newest.begin()
	if err := s.eachWithObject(ctx, store, outcomes, s.validator.newest.mark); err != nil {
		return err
	}
	if err := s.publishEvents(ctx, store, outcomes); err != nil {
		return err
	}
	// Only what is stored may outdate others: a crash before this leaves an older time, which the repeated batch sets right.
	if err := s.eachWithObject(ctx, store, outcomes, s.validator.newest.remember); err != nil {
		return err
	}
	for i := range outcomes {
		if err := s.bury(ctx, store, &outcomes[i]); err != nil {
			return err
		}
		s.report(ctx, &outcomes[i])
	}
	return nil
}

// eachWithObject does something with the events that are about an object. A refusal of the store costs an event no more
// than knowing whether it is outdated.
func (s *shardIntake) eachWithObject(
	ctx context.Context, store storing.Storer, outcomes []outcome, do func(context.Context, *notification.Event) error,
) error {
	for i := range outcomes {
		event := &outcomes[i].event
		if outcomes[i].deadLetter != nil || !hasObject(event) {
			continue
		}
		err := store.StoreSmall(ctx, func(ctx context.Context) error { return do(ctx, event) })
		if storing.IsRefused(err) {
			s.Log.Warn("newest time of an object is not known", "error", err, "source", event.Source, "type", event.Type,
				"instance", event.Instance, "notification", event.NotificationSequence)
			continue
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// publishEvents stores the events among the outcomes in their order and marks the duplicates. An event that the store
// refuses becomes a dead letter.
func (s *shardIntake) publishEvents(ctx context.Context, store storing.Storer, outcomes []outcome) error {
	var (
		events  []notification.Event
		indexes []int // of the events among the outcomes
	)
	for i := range outcomes {
		if outcomes[i].deadLetter == nil {
			events = append(events, outcomes[i].event)
			indexes = append(indexes, i)
		}
	}
	for len(events) > 0 {
		err := store.Store(ctx, func(ctx context.Context) error {
			stored, err := s.Streams.PublishEvents(ctx, events)
			for i := range stored {
				outcomes[indexes[i]].stored = stored[i]
			}
			events, indexes = events[len(stored):], indexes[len(stored):]
			if len(stored) > 0 {
				return nil // The next attempt begins with the event that failed, and its time is its own.
			}
			return err
		})
		switch {
		case storing.IsRefused(err): // It is about the first of them: those before it are stored and taken off.
			outcomes[indexes[0]].refuse(err)
			events, indexes = events[1:], indexes[1:]
		case err != nil:
			return err
		}
	}
	return nil
}

// bury keeps the dead letter of a notification, if it has become one. When the store refuses even that, nothing is left
// but to report it: the notification itself stays in its stream for its time.
func (s *shardIntake) bury(ctx context.Context, store storing.Storer, o *outcome) error {
	if o.deadLetter == nil {
		return nil
	}
	kept, err := store.Bury(ctx, o.deadLetter, s.Streams.PublishDeadLetter)
	o.deadLetter = kept
	if storing.IsRefused(err) {
		o.unkept = err
		return nil
	}
	return err
}
