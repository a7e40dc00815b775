package keyed

import (
	"sync"
	"time"
)

// Verdict says what becomes of a delivery that was worked at.
type Verdict struct {
	kind  verdictKind
	delay time.Duration
}

type verdictKind int

const (
	done verdictKind = iota
	again
	giveBack
)

// Done says that everything that becomes of the delivery is stored, so that it is acknowledged.
func Done() Verdict { return Verdict{kind: done} }

// Again says that the delivery is worked at once more after a delay, which its key waits for.
func Again(delay time.Duration) Verdict { return Verdict{kind: again, delay: delay} }

// GiveBack says that this worker does not work at the delivery any more, because it has to stop.
func GiveBack() Verdict { return Verdict{kind: giveBack} }

// Delivery is what a broker hands to the owner of a partition. One that is handed out again is equal in Key and Sequence.
type Delivery interface {
	// Key tells what stays in order; empty is a key as any other.
	Key() string
	// Sequence is the place in the stream, by which deliveries of one key are ordered.
	Sequence() uint64
	// Place counts what the consumer delivered, with everything that came again.
	Place() uint64
	// Again reports whether it was handed out before.
	Again() bool
	// Where tells Asides where those with the same key are found again; empty when they can't be.
	Where() string
	// Settled reports that it was done before it came, so that there is nothing to do but to acknowledge it.
	Settled() bool
	// Ack tells the broker that it is done. An error means that the broker was not told, and hands it out again.
	Ack() error
	// Return lets go of one that is not done. Tell says whether to tell the broker, which somebody else gets it from; else
	// somebody else may have it already.
	Return(tell bool) error
}

// Do works at a delivery until there is a verdict.
type Do func(d Delivery, turn *Turn) Verdict

// Engine works at the deliveries of its partitions. It is safe for concurrent use.
type Engine struct {
	do    Do
	times Times
	// unordered says that deliveries of one key may run side by side.
	unordered bool

	mutex      sync.Mutex
	free       int // how many more may run
	ready      list
	partitions []*Partition
	running    sync.WaitGroup
}

// Settings say how an engine works.
type Settings struct {
	// Limit is how many deliveries are worked at at once, of all partitions together.
	Limit int
	// Unordered lets deliveries of one key run side by side.
	Unordered bool
	Times     Times
}

// New returns an engine without partitions.
func New(settings Settings, do Do) *Engine {
	return &Engine{do: do, times: settings.Times, unordered: settings.Unordered, free: settings.Limit}
}

// Turn is one delivery being worked at.
type Turn struct {
	engine   *Engine
	detached bool // guarded by the engine's mutex
}

// Detach lets another delivery begin in place of this one, which has taken too long. Its key still waits. It may be called
// again.
func (t *Turn) Detach() {
	t.engine.mutex.Lock()
	defer t.engine.mutex.Unlock()
	if t.detached {
		return
	}
	t.detached = true
	t.engine.free++
	t.engine.dispatch()
}

// Stats are what an engine has in its hands.
type Stats struct {
	// UnderWay are deliveries that are worked at, Waiting those that are held beside, of so many Keys in all.
	UnderWay, Waiting, Keys int
}

// Stats returns what is so right now.
func (e *Engine) Stats() (s Stats) {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	for _, p := range e.partitions {
		s.Keys += len(p.queues)
		s.Waiting += len(p.staged)
		for _, q := range p.queues {
			s.Waiting += len(q.holds)
			if q.running() {
				s.UnderWay++
			}
		}
	}
	s.Waiting -= s.UnderWay
	return s
}

// Wait blocks until nothing is worked at any more.
func (e *Engine) Wait() { e.running.Wait() }

// dispatch begins as many as may run. The mutex is held.
func (e *Engine) dispatch() {
	for e.free > 0 {
		h := e.pick()
		if h == nil {
			return
		}
		e.free--
		e.running.Add(1)
		go e.work(h)
	}
}

// pick returns the next delivery that may begin, nil when there is none. The mutex is held.
func (e *Engine) pick() *hold {
	at := now()
	for q := e.ready.pop(); q != nil; q = e.ready.pop() {
		q.listed = false
		if len(q.holds) == 0 || q.waiting != nil || q.running() || q.blocked() {
			continue // It was dropped in between.
		}
		if !q.valid(at, e.times) {
			q.partition.doubt()
			continue
		}
		q.holds[0].begun = true
		return q.holds[0]
	}
	return nil
}

// work works at a delivery, and then at others, as long as there are any.
func (e *Engine) work(h *hold) {
	defer e.running.Done()
	for h != nil {
		turn := &Turn{engine: e}
		verdict := e.do(h.Delivery, turn)
		e.mutex.Lock()
		tell := e.settle(h, verdict)
		e.mutex.Unlock()
		for _, tell := range tell {
			_ = tell() // What the broker was not told comes again, and is known then.
		}
		e.mutex.Lock()
		h = nil
		if turn.detached {
			e.dispatch()
		} else if h = e.pick(); h == nil {
			e.free++
		}
		e.mutex.Unlock()
	}
}

// settle takes a verdict in and returns what the broker is to be told. What is acknowledged is out of the holds before: to
// count it as held after the broker forgot it would hide something else. The mutex is held.
func (e *Engine) settle(h *hold, verdict Verdict) (tell []func() error) {
	q, p, at := h.queue, h.queue.partition, now()
	h.begun = false
	if verdict.kind == again && !p.closing && !h.isLeft() {
		q.pause(verdict.delay)
		return nil
	}
	q.holds[0] = nil
	q.holds = q.holds[1:]
	gone := []*hold{h}
	if verdict.kind != done { // What is behind it must not overtake it.
		gone = append(gone, q.drop()...)
	}
	for _, h := range gone {
		known := p.holds[h.Sequence()] == h // Else the consumer was made anew since.
		if known {
			delete(p.holds, h.Sequence())
		}
		valid := known && h.valid(at, e.times)
		switch {
		case verdict.kind != done:
			tell = append(tell, func() error { return h.Return(valid) })
		case valid:
			tell = append(tell, h.Ack)
		}
		if known && verdict.kind == done {
			p.recent.add(h.Sequence())
		}
	}
	p.left(q, len(gone))
	p.finished(h, verdict.kind == done)
	return tell
}
