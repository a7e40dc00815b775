package worker

import (
	"context"
	"slices"
	"sync"
	"time"

	"sluice.internal/shared/service"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/consume"
	"sluice.internal/worker/keyed"
)

const (
	// reopenPause is how long to wait before a consumer that failed is opened again.
	reopenPause = time.Second
	// lookPause is the time between two looks at what others have in their hands.
	lookPause = 100 * time.Millisecond
	// lastGrace is how long a handler has to return after its context ended.
	lastGrace = 2 * time.Second
	// dueShare is how many times more handlers there are for what is new than for what is due, so that this does not
	// crowd out that.
	dueShare = 4
	// heldShare is how many deliveries a worker holds for each handler: one that runs, and one that waits. It may hold
	// minHeld of each partition in any case, since most of them wait for another one of their chat.
	heldShare = 2
	minHeld   = 256
)

// runHandlers hands events to handlers until the context ends. A partition whose consumer is lost is opened again by itself,
// after a pause and without end: the group's condition reports it.
func (w *Worker) runHandlers(ctx context.Context) {
	finishing, done := w.finishing(ctx)
	defer done()
	engines := map[bool]*keyed.Engine{
		false: w.engine(ctx, finishing, w.cfg.Concurrency),
		true:  w.engine(ctx, finishing, max(w.cfg.Concurrency/dueShare, 1)),
	}
	// What is under way is kept until the last handler has returned.
	renewing, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var running sync.WaitGroup
	for _, engine := range engines {
		go engine.Renew(renewing)
	}
	failing := &troubles{condition: w.handling}
	shares := make([]*shareOf, len(w.group.Partitions))
	for i, p := range w.group.Partitions {
		owned := engines[p.Due()].Add(&broker{worker: w, partition: p}, w.bounds(p.Due()), failing.reporter())
		shares[i] = &shareOf{name: partitionName(p), partition: owned, ctx: ctx, giveUp: finishing, running: &running}
	}
	members := newMembers(w.group, func() stream.WorkerState { return w.stateOf(engines) })
	err := members.run(ctx, func(mine []string) { //nolint:contextcheck // A share has that of the worker.
		for _, s := range shares {
			s.own(!w.cfg.Ordered || slices.Contains(mine, s.name))
		}
	})
	if err != nil && ctx.Err() == nil { // The connection is closed, so that nothing else works either.
		w.handling.Failed(err)
		<-ctx.Done()
	}
	running.Wait()
	w.awaitHandlers(finishing, engines)
}

// shareOf is a partition that this worker owns or not.
type shareOf struct {
	name        string
	partition   *keyed.Partition
	ctx, giveUp context.Context //nolint:containedctx // Those of the worker.
	running     *sync.WaitGroup
	end         context.CancelFunc // nil while it is not owned
	ended       chan struct{}      // closed when it was given up the last time; nil before the first time
}

// own begins or ends to own the partition.
func (s *shareOf) own(wanted bool) {
	switch {
	case wanted && s.end == nil:
		ctx, end := context.WithCancel(s.ctx)
		before, ended := s.ended, make(chan struct{})
		s.end, s.ended = end, ended
		s.running.Go(func() {
			defer close(ended)
			defer end()
			if before != nil {
				<-before
			}
			s.partition.Run(ctx, s.giveUp)
		})
	case !wanted && s.end != nil:
		s.end()
		s.end = nil
	}
}

// stateOf is what this worker tells of itself.
func (w *Worker) stateOf(engines map[bool]*keyed.Engine) stream.WorkerState {
	state := stream.WorkerState{ID: w.group.ID(), Group: w.cfg.Group, StartedAt: w.began}
	for _, engine := range engines {
		stats := engine.Stats()
		state.UnderWay += stats.UnderWay
		state.Waiting += stats.Waiting
		state.Chats += stats.Keys
	}
	state.Slowest, state.Heedless = w.calls.told()
	return state
}

// engine returns an engine that calls handlers, so many at once.
func (w *Worker) engine(stopping, finishing context.Context, limit int) *keyed.Engine {
	settings := keyed.Settings{
		Limit: limit, Unordered: !w.cfg.Ordered,
		Times: keyed.Times{AckWait: consume.AckWait, Ask: consume.PartitionAsk, Look: lookPause, Pause: reopenPause},
	}
	return keyed.New(settings, func(d keyed.Delivery, turn *keyed.Turn) keyed.Verdict {
		return w.handle(stopping, finishing, d.(*delivery), turn) //nolint:forcetypeassert // The broker makes no others.
	})
}

// bounds say how many deliveries of a partition may be held. The worker may be the owner of all partitions, or of one.
func (w *Worker) bounds(due bool) keyed.Bounds {
	limit, count := w.cfg.Concurrency, 0
	if due {
		limit = max(limit/dueShare, 1)
	}
	if !w.cfg.Ordered {
		return keyed.Bounds{Window: limit, Most: limit}
	}
	for _, p := range w.group.Partitions {
		if p.Due() == due {
			count++
		}
	}
	return keyed.Bounds{Window: min(max(heldShare*limit/count, minHeld), consume.MaxHeld), Most: consume.MaxHeld - minHeld}
}

// troubles are a group's partitions that fail. The group is in trouble from the first one on until none is left: one after the
// other would say that it works again while others still fail.
type troubles struct {
	condition *service.Condition

	mutex   sync.Mutex
	failing int
}

// reporter takes the errors of one partition, and nil when it works or is given up.
func (t *troubles) reporter() func(error) {
	fails := false
	return func(err error) {
		t.mutex.Lock()
		defer t.mutex.Unlock()
		switch {
		case err != nil && !fails:
			fails = true
			t.failing++
			t.condition.Failed(err)
		case err == nil && fails:
			fails = false
			if t.failing--; t.failing == 0 {
				t.condition.Works()
			}
		}
	}
}

// awaitHandlers returns when no handler runs any more. Handlers that do not heed the end of their context are left behind;
// their events come again.
func (w *Worker) awaitHandlers(finishing context.Context, engines map[bool]*keyed.Engine) {
	stopped := make(chan struct{})
	go func() {
		for _, engine := range engines {
			engine.Wait()
		}
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
		w.log.Warn("handlers did not stop in time, their events will come again", "group", w.cfg.Group)
	}
}
