package handling

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"sluice.internal/shared/alerting"
	"sluice.internal/shared/config"
	"sluice.internal/shared/metrics"
	"sluice.internal/shared/notification"
	"sluice.internal/shared/service"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/consume"
	"sluice.internal/worker/isolation"
	"sluice.internal/worker/keyed"
	"sluice.internal/worker/storing"
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

// Parts are what the handling side of a worker is made of. All are needed, except for the memory limit.
type Parts struct {
	// Config says which group the worker is in, and what holds for its handlers.
	Config config.Worker
	// MemoryLimit is what the process may use, in bytes, 0 for as much as there is. Bodies of events have their part of it.
	MemoryLimit int64
	// Streams are where events come from, and where retries and dead letters go.
	Streams *consume.Client
	// Handlers do the work.
	Handlers Handlers
	// RetryDelays are the delays between the attempts of an event.
	RetryDelays RetryDelays
	// Suspects is where the worker looks at what may kill it. It is started before Run and stopped after it.
	Suspects *isolation.Isolation
	// Reply answers events, see handler.Tools.
	Reply func(ctx context.Context, event notification.Event, number int, text string) error
	// Alerts tells the operator.
	Alerts *alerting.Notifier
	// Counts count what becomes of events; nil for not at all.
	Counts *metrics.Handling
	Log    *slog.Logger
}

// Runner hands the events of a group to handlers. New makes one.
type Runner struct {
	Parts

	group     *consume.Group
	condition *service.Condition // of the group
	retries   retryPolicy
	keeper    storing.Storer // of events that handlers failed at
	calls     *calls
	holding   *bodies
	began     time.Time
	// onlyPresent says that all workers of the group know of chats that are aside, as far as this one has heard.
	onlyPresent atomic.Bool
}

// New opens the group's consumers. It fails when the group runs with other types.
func New(ctx context.Context, parts Parts) (*Runner, error) {
	cfg := parts.Config
	group, err := parts.Streams.Group(ctx, consume.GroupSettings{Name: cfg.Group, Types: cfg.Types, Unordered: !cfg.Ordered})
	if err != nil {
		return nil, err
	}
	return &Runner{
		Parts: parts, group: group, condition: service.NewCondition("group "+cfg.Group, parts.Log),
		retries: newRetryPolicy(cfg, parts.RetryDelays),
		keeper:  storing.Storer{Health: service.NewCondition("setting aside for group "+cfg.Group, parts.Log), Pause: keepPause},
		calls:   newCalls(parts.Log), holding: newBodies(parts.MemoryLimit), began: time.Now(),
	}, nil
}

// Run hands events to handlers until stopping ends. What is under way then has until finishing ends, which has to outlive
// stopping. End has to end stopping; it is called with ErrHeedless when too many handlers do not heed their context. Run is
// called once.
//
// A partition whose consumer is lost is opened again by itself, after a pause and without end: the group's condition reports
// it.
func (r *Runner) Run(stopping, finishing context.Context, end func(cause error)) {
	r.calls.end = end
	engines := map[bool]*keyed.Engine{
		false: r.engine(stopping, finishing, r.Config.Concurrency),
		true:  r.engine(stopping, finishing, max(r.Config.Concurrency/dueShare, 1)),
	}
	// What is under way is kept until the last handler has returned.
	renewing, stop := context.WithCancel(context.WithoutCancel(stopping))
	defer stop()
	var running sync.WaitGroup
	for _, engine := range engines {
		go engine.Renew(renewing)
	}
	failing := &troubles{condition: r.condition}
	shares := make([]*shareOf, len(r.group.Partitions))
	for i, p := range r.group.Partitions {
		owned := engines[p.Due()].Add(&broker{runner: r, partition: p}, r.bounds(p.Due()), failing.reporter())
		shares[i] = &shareOf{name: partitionName(p), partition: owned, ctx: stopping, giveUp: finishing, running: &running}
	}
	members := newMembers(r.group, &r.onlyPresent, func() stream.WorkerState { return r.stateOf(engines) })
	err := members.run(stopping, func(mine []string) { //nolint:contextcheck // A share has that of the worker.
		for _, s := range shares {
			s.own(!r.Config.Ordered || slices.Contains(mine, s.name))
		}
	})
	if err != nil && stopping.Err() == nil { // The connection is closed, so that nothing else works either.
		r.condition.Failed(err)
		<-stopping.Done()
	}
	running.Wait()
	r.awaitHandlers(finishing, engines)
}

// stateOf is what this worker tells of itself.
func (r *Runner) stateOf(engines map[bool]*keyed.Engine) stream.WorkerState {
	state := stream.WorkerState{ID: r.group.ID(), Group: r.Config.Group, StartedAt: r.began, Asides: true}
	for _, engine := range engines {
		stats := engine.Stats()
		state.UnderWay += stats.UnderWay
		state.Waiting += stats.Waiting
		state.Chats += stats.Keys
	}
	state.Slowest, state.Heedless = r.calls.told()
	return state
}

// engine returns an engine that calls handlers, so many at once.
func (r *Runner) engine(stopping, finishing context.Context, limit int) *keyed.Engine {
	settings := keyed.Settings{
		Limit: limit, Unordered: !r.Config.Ordered,
		Times: keyed.Times{AckWait: consume.AckWait, Ask: consume.PartitionAsk, Look: lookPause, Pause: reopenPause},
	}
	return keyed.New(settings, func(d keyed.Delivery, turn *keyed.Turn) keyed.Verdict {
		return r.handle(stopping, finishing, d.(*delivery), turn) //nolint:forcetypeassert // The broker makes no others.
	})
}

// bounds say how many deliveries of a partition may be held. The worker may be the owner of all partitions, or of one.
func (r *Runner) bounds(due bool) keyed.Bounds {
	limit, count := r.Config.Concurrency, 0
	if due {
		limit = max(limit/dueShare, 1)
	}
	if !r.Config.Ordered {
		return keyed.Bounds{Window: limit, Most: limit}
	}
	for _, p := range r.group.Partitions {
		if p.Due() == due {
			count++
		}
	}
	bounds := keyed.Bounds{Window: min(max(heldShare*limit/count, minHeld), consume.MaxHeld), Most: consume.MaxHeld - minHeld}
	if !due { // What is due has lost its place in the events.
		bounds.Key, bounds.KeyPressed = maxOfChat, maxOfChatPressed
	}
	return bounds
}

// awaitHandlers returns when no handler runs any more. Handlers that do not heed the end of their context are left behind;
// their events come again.
func (r *Runner) awaitHandlers(finishing context.Context, engines map[bool]*keyed.Engine) {
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
		r.Log.Warn("handlers did not stop in time, their events will come again", "group", r.Config.Group)
	}
}
