package keyed

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"sluice.internal/shared/service"
)

var (
	// ErrNotOwner is a Broker's, when it has chosen another owner.
	ErrNotOwner = errors.New("another owner was chosen")
	// ErrLost is a Broker's, when the partition's consumer is not there any more.
	ErrLost = errors.New("the consumer is gone")
)

// Broker hands out the deliveries of one partition. Apart from Renew, its methods are called one at a time.
type Broker interface {
	// Ask asks for deliveries and calls each with those that come, until as many came as were asked for, the request's time
	// is over, or the context has ended. Whatever came for the request is passed to each before it returns. It returns
	// ErrNotOwner and ErrLost, and other errors when the broker did not answer.
	Ask(ctx context.Context, request Request, each func(Delivery)) (Answer, error)
	// HandedOut returns how many deliveries are handed out and not acknowledged, and the Place of the last one that was ever
	// handed out.
	HandedOut(ctx context.Context) (count int, place uint64, err error)
	// Renew tells the broker that deliveries are still being worked at, and returns when it has confirmed that.
	Renew(ctx context.Context, deliveries []Delivery) error
	// GiveUp lets the broker choose another owner at once.
	GiveUp(ctx context.Context, pin string) error
	// Open opens the consumer, and makes it anew where it is gone. Anew reports whether it is another one than before.
	Open(ctx context.Context) (anew bool, err error)
}

// Request is what a broker is asked for.
type Request struct {
	// Pin names the owner that the broker has chosen; empty to be chosen, with the first delivery.
	Pin string
	// Count is how many deliveries are asked for; 0 for none, which tells the broker that the owner is there.
	Count int
	// Wait is how long the request stays open.
	Wait time.Duration
}

// Answer is what a broker said about a request.
type Answer struct {
	// Pin names the owner that it has chosen, empty without a delivery.
	Pin string
}

// Partition is one of the broker's, for this worker.
type Partition struct {
	engine *Engine
	broker Broker
	bounds Bounds
	report func(error)

	// What follows is guarded by the engine's mutex.

	queues  map[string]*queue
	holds   map[uint64]*hold // by sequence: queued, under way or staged
	counted int              // of the queued ones, those that the window counts
	staged  []*hold
	staging bool
	asides  *asides // nil where none can be set aside
	// place is that of the last delivery, 0 before the first one.
	place    uint64
	arrivals uint64
	recent   recent
	renewing bool
	closing  bool
	owner    bool
	// doubts ends the request under way when a hold ran out.
	doubts context.CancelFunc
	freed  chan struct{} // has a token when there is capacity again
}

// Bounds say how many deliveries of a partition are held.
type Bounds struct {
	// Window is for all keys together. A key counts with its first perKey deliveries, so that one that floods, or whose
	// work does not end, takes nothing from the others.
	Window int
	// Most is for everything, whatever it is of.
	Most int
	// Key is how many deliveries of one key wait here at most, where the broker can set those beyond aside; KeyPressed is that
	// where a quarter of Most is held. Without Key none is set aside.
	Key, KeyPressed int
}

// perKey is how many deliveries of a key the window counts.
const perKey = 8

// Add adds a partition. A broker that is one of Asides as well sets aside what there is too much of. report is told of errors, and nil when the broker answers or the partition is
// given up.
func (e *Engine) Add(broker Broker, bounds Bounds, report func(error)) *Partition {
	p := &Partition{
		engine: e, broker: broker, bounds: bounds, report: report,
		queues: map[string]*queue{}, holds: map[uint64]*hold{}, freed: make(chan struct{}, 1),
	}
	if store, can := broker.(Asides); can && bounds.Key > 0 && !e.unordered {
		p.asides = &asides{store: store, open: map[string]*aside{}}
	}
	e.mutex.Lock()
	defer e.mutex.Unlock()
	e.partitions = append(slices.Clone(e.partitions), p)
	return p
}

// Run owns the partition whenever the broker lets it, until the context ends. Then it gives back what has not begun and lets
// another owner be chosen, within the time of the second context. It does not wait for what is under way.
func (p *Partition) Run(ctx, giveUp context.Context) {
	p.engine.mutex.Lock()
	p.closing = false
	if p.asides != nil {
		p.asides.context = giveUp
	}
	p.engine.mutex.Unlock()
	p.open(ctx)
	pin := ""
	for ctx.Err() == nil {
		var err error
		pin, err = p.own(ctx, pin)
		if ctx.Err() != nil {
			break
		}
		switch {
		case err == nil: // A hold ran out.
			p.abandon()
		case errors.Is(err, ErrNotOwner):
			p.abandon()
			pin = ""
		case errors.Is(err, ErrLost):
			pin = ""
			p.report(err)
			p.pause(ctx)
			p.open(ctx)
		default:
			p.report(err)
			p.pause(ctx)
		}
	}
	p.close(giveUp, pin)
	p.report(nil)
}

// open opens the consumer, however often it has to be tried.
func (p *Partition) open(ctx context.Context) {
	for ctx.Err() == nil {
		anew, err := p.broker.Open(ctx)
		if err == nil && anew {
			p.forget()
		}
		if err == nil || ctx.Err() != nil {
			return
		}
		p.report(err)
		p.pause(ctx)
	}
}

// pause waits before the broker is tried again. The end of the context is seen by whoever tries.
func (p *Partition) pause(ctx context.Context) { _ = service.Sleep(ctx, p.engine.times.Pause) }

// own asks for deliveries until the ownership is in doubt or ends, and returns why, and the pin.
func (p *Partition) own(ctx context.Context, pin string) (string, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	p.engine.mutex.Lock()
	p.doubts, p.staging, p.place = cancel, !p.engine.unordered, 0
	if p.asides != nil {
		p.asides.loaded = false
	}
	p.engine.mutex.Unlock()
	defer func() {
		p.engine.mutex.Lock()
		defer p.engine.mutex.Unlock()
		p.owner, p.doubts = false, nil
	}()
	for ctx.Err() == nil {
		request, ready, err := p.request(ctx, pin)
		if err != nil {
			return pin, err
		}
		if !ready {
			continue
		}
		sent := now()
		answer, err := p.broker.Ask(ctx, request, func(d Delivery) { p.take(d, sent) })
		if err != nil && ctx.Err() == nil {
			return pin, err
		}
		if answer.Pin != "" {
			pin = answer.Pin
		}
		p.report(nil)
	}
	return pin, nil
}

// take takes a delivery in. What comes again, or behind one that is missing, is staged: others that are older may have to
// come first.
func (p *Partition) take(d Delivery, sent time.Time) {
	e := p.engine
	e.mutex.Lock()
	missing := p.place > 0 && d.Place() != p.place+1
	p.place = d.Place()
	if held := p.holds[d.Sequence()]; held != nil {
		p.arrivals++
		held.since, held.arrival = sent, p.arrivals
		e.mutex.Unlock()
		return
	}
	if d.Settled() || p.recent.has(d.Sequence()) {
		e.mutex.Unlock()
		_ = d.Ack() // It is done, and the broker did not learn it.
		return
	}
	p.arrivals++
	h := &hold{Delivery: d, since: sent, arrival: p.arrivals}
	p.holds[d.Sequence()] = h
	p.staging = p.staging || (missing || d.Again()) && !e.unordered
	settled := false
	if p.staging {
		p.staged = append(p.staged, h)
	} else {
		settled = p.enqueue(h)
		e.dispatch()
	}
	e.mutex.Unlock()
	if settled {
		_ = d.Ack() // The same.
	}
}

// release queues what was staged.
func (p *Partition) release() {
	p.engine.mutex.Lock()
	slices.SortFunc(p.staged, bySequence)
	var settled []*hold
	for _, h := range p.staged {
		if p.enqueue(h) {
			settled = append(settled, h)
		}
	}
	p.staged, p.staging, p.owner = nil, false, true
	if p.asides != nil {
		for _, a := range p.asides.open {
			p.refill(a)
		}
	}
	p.engine.dispatch()
	valid := p.engine.validOf(settled)
	p.engine.mutex.Unlock()
	for i, h := range settled {
		if valid[i] {
			_ = h.Ack() // What the broker was not told comes again, and is known then.
		}
	}
}

// enqueue puts a delivery into the queue of its key. Settled says that it is to be acknowledged instead, because it is aside.
func (p *Partition) enqueue(h *hold) (settled bool) {
	if isAside, settled := p.route(h); isAside {
		return settled
	}
	key := h.Key()
	if p.engine.unordered {
		key = strconv.FormatUint(h.Sequence(), 10)
	}
	q := p.queueOf(key)
	p.insert(q, h)
	p.setAside(q)
	return false
}

// queueOf returns the queue of a key.
func (p *Partition) queueOf(key string) *queue {
	q := p.queues[key]
	if q == nil {
		q = &queue{partition: p, key: key}
		p.queues[key] = q
	}
	return q
}

// insert puts a delivery into a queue.
func (p *Partition) insert(q *queue, h *hold) {
	q.insert(h)
	if len(q.holds) <= perKey {
		p.counted++
	}
	q.next()
}

// left notes that so many deliveries have left their queue.
func (p *Partition) left(q *queue, count int) {
	p.counted -= min(len(q.holds)+count, perKey) - min(len(q.holds), perKey)
	if len(q.holds) == 0 && q.waiting == nil && q.aside == nil && p.queues[q.key] == q {
		delete(p.queues, q.key)
	}
	q.next()
	if p.engine.unordered || p.counted < p.bounds.Window/2 && len(p.holds) < p.bounds.Most/2 {
		select {
		case p.freed <- struct{}{}:
		default:
		}
	}
}

// doubt ends the ownership, because somebody else may have what is held. The mutex is held.
func (p *Partition) doubt() {
	if p.doubts != nil {
		p.doubts()
	}
}

// abandon lets go of what has not begun. What is in no other hands yet is given back.
func (p *Partition) abandon() {
	p.engine.mutex.Lock()
	dropped := p.drop()
	valid := p.engine.validOf(dropped)
	p.engine.mutex.Unlock()
	for i, h := range dropped {
		_ = h.Return(valid[i]) // At worst it comes again later.
	}
}

// forget forgets what was handed out and what was done. In another consumer the same sequences may be others.
func (p *Partition) forget() {
	p.engine.mutex.Lock()
	dropped := p.drop()
	p.recent, p.holds = recent{}, map[uint64]*hold{}
	if p.asides != nil {
		for _, a := range p.asides.open { // Only what is under way is left.
			a.queue.aside = nil
		}
		p.asides.open = map[string]*aside{}
	}
	p.engine.mutex.Unlock()
	for _, h := range dropped {
		_ = h.Return(false)
	}
}

// close gives back what has not begun, after the broker was told to choose another owner, which is who gets it.
func (p *Partition) close(ctx context.Context, pin string) {
	p.engine.mutex.Lock()
	p.closing = true
	p.engine.mutex.Unlock()
	if pin != "" {
		_ = p.broker.GiveUp(ctx, pin) // At worst it notices after a while.
	}
	p.abandon()
}

// drop takes out everything that has not begun. The mutex is held.
func (p *Partition) drop() []*hold {
	dropped := append(p.dropAsides(), p.staged...)
	p.staged = nil
	for key, q := range p.queues {
		gone := q.drop()
		p.counted -= min(len(q.holds)+len(gone), perKey) - min(len(q.holds), perKey)
		dropped = append(dropped, gone...)
		if len(q.holds) == 0 {
			delete(p.queues, key)
		}
	}
	p.letGo(dropped)
	slices.SortFunc(dropped, bySequence)
	return dropped
}

func bySequence(a, b *hold) int { return cmp.Compare(a.Sequence(), b.Sequence()) }
