package keyed

import (
	"context"
	"maps"
	"slices"
	"time"

	"sluice.internal/shared/service"
)

const (
	// maxAsides is how many keys of a partition are aside at most. Those beyond take window, as before.
	maxAsides = 32
	// maxClosed is how many are remembered that were aside. None is added beyond.
	maxClosed = 64
	// refillBelow is how few deliveries of a key that is aside may be in its queue before more are read.
	refillBelow = 64
	// maxMarks is how many deliveries of a key that is aside are kept unacknowledged. Bounds.Key is how many come between two at
	// first.
	maxMarks = 16
	// saveEvery is the shortest time between two writes of what is done. What ends within that time before a kill is done
	// again, as what is under way is. It is maxUnsaved at most, also where nothing can be written.
	saveEvery  = 5 * time.Millisecond
	maxUnsaved = 64
)

// asides are the keys of a partition that are aside. The engine's mutex guards them.
//
// What is aside must be done once, in order, by one worker at a time, although nothing of it is in anybody's hands any more.
// Three things hold that:
//
//   - A record of the broker, which every owner writes once before it begins anything, and from then on only with the
//     revision that it wrote itself. So a former owner that wakes up writes nothing any more.
//   - Marks: some deliveries that are aside stay unacknowledged. A new owner begins nothing before all that is handed out
//     is in its own hands, and what is aside begins only while its marks are certainly in nobody else's. So two workers
//     never are at the same key, whoever was frozen for how long. Besides, a partition of which all the rest is done still
//     gets an owner, and the broker keeps what is behind a mark.
//   - A delivery is acknowledged as one that is aside only once the record says that it is. The record says what is aside by
//     sequences, so it does not matter how often the broker hands something out, or when.
type asides struct {
	store Asides
	// revision is that of the record, as this worker read or wrote it last.
	revision uint64
	list     []Aside // what the record has then
	// loaded says that the record was read and written since the partition is this worker's, kept that what is here is what
	// this worker wrote.
	loaded, kept bool
	open         map[string]*aside // by ID
	closed       []Aside
	dirty        bool
	saving       bool
	// context ends when there is no more time to save anything.
	context context.Context //nolint:containedctx // That of Run.
}

type asideState int

const (
	// opening: it is being saved that the key is aside. Its deliveries wait meanwhile.
	opening asideState = iota
	isOpen
	// closing: it is being saved that all that was aside is done. What is newer waits.
	closing
)

type aside struct {
	Aside
	state asideState
	queue *queue // nil before anything of the key came
	// read is up to which sequence it was read, newest the highest one that may be aside.
	read, newest uint64
	reading      bool
	// inherited says that another worker may have been at what is read first.
	inherited bool
	saved     uint64 // what the record says is done
	unsaved   int    // how many are done that it does not say so of
	told      uint64 // how many it says to be waiting
	marks     []*hold
	// sinceMark counts what was acknowledged since the last mark, every how many are between two.
	sinceMark, every int
	// leaving says that the partition is given up, and only the delivery under way is still done.
	leaving bool
	// givenBack says that something of the key was given back, so that nothing may begin before the partition is given up.
	givenBack bool
}

// blocked reports whether nothing of the queue may begin at the moment.
func (q *queue) blocked() bool {
	a := q.aside
	switch first := q.holds[0]; {
	case a == nil:
		return false
	case a.givenBack:
		return true
	case first.stored:
		return a.leaving || a.state != isOpen || first.aside != a || a.unsaved >= maxUnsaved
	default:
		return first.Sequence() >= a.From
	}
}

// valid reports whether nobody else may be at the first delivery of the queue at a time.
func (q *queue) valid(at time.Time, times Times) bool {
	first := q.holds[0]
	if !first.stored {
		return first.valid(at, times)
	}
	return first.aside.isMine(at, times)
}

// isMine reports whether no other worker may be at the key at a time. Where there are no marks, because they were erased from
// the store, nothing says so.
func (a *aside) isMine(at time.Time, times Times) bool {
	return len(a.marks) == 0 || slices.ContainsFunc(a.marks, func(h *hold) bool { return h.valid(at, times) })
}

// route takes a delivery of a key that is aside, and reports whether it was one. Then it may have to be acknowledged.
func (p *Partition) route(h *hold) (isAside, settled bool) {
	s := p.asides
	if s == nil || len(s.open)+len(s.closed) == 0 {
		return false, false
	}
	id, sequence := KeyID(h.Key()), h.Sequence()
	if s.wasAside(id, sequence) {
		delete(p.holds, sequence)
		return true, true
	}
	a := s.open[id]
	if a == nil || a.leaving {
		return false, false
	}
	p.link(a, h.Key())
	if sequence < a.From || a.state == opening || a.state == closing && sequence > a.Until {
		return false, false // The queue lets it begin when it may.
	}
	settled = a.state == closing || !a.mark(h)
	if settled {
		delete(p.holds, sequence)
	}
	if sequence > a.newest {
		a.newest = sequence
		a.Waiting++
		if a.Waiting > a.told+a.told/4+perKey*perKey {
			p.saveAsides()
		}
	}
	p.refill(a)
	return true, settled
}

// wasAside reports whether a delivery was aside and is done.
func (s *asides) wasAside(id string, sequence uint64) bool {
	return slices.ContainsFunc(s.closed, func(c Aside) bool {
		return c.ID == id && c.From <= sequence && sequence <= c.Until
	})
}

// mark keeps a delivery unacknowledged where it is time for one, and reports whether it did. Those that come again are marks of
// the owner before.
func (a *aside) mark(h *hold) bool {
	a.sinceMark++
	if len(a.marks) > 0 && a.sinceMark < a.every && (!h.Again() || len(a.marks) >= maxMarks) {
		return false
	}
	a.sinceMark = 0
	h.aside = a
	a.marks = append(a.marks, h)
	slices.SortFunc(a.marks, bySequence)
	return true
}

// thin takes out the marks that are not needed: those before one that is done, and every second one where there are many.
func (p *Partition) thin(a *aside) (gone []*hold) {
	for len(a.marks) > 1 && a.marks[1].Sequence() <= a.saved {
		gone = append(gone, a.marks[0])
		a.marks = a.marks[1:]
	}
	if len(a.marks) > maxMarks {
		kept := a.marks[:0:0]
		for i, h := range a.marks {
			if i%2 == 0 {
				kept = append(kept, h)
			} else {
				gone = append(gone, h)
			}
		}
		a.marks = kept
		a.every *= 2
	}
	p.letGo(gone)
	return gone
}

// letGo forgets holds that are aside.
func (p *Partition) letGo(holds []*hold) {
	for _, h := range holds {
		if p.holds[h.Sequence()] == h {
			delete(p.holds, h.Sequence())
		}
	}
}

// setAside begins to set a key aside of which too much waits: all but the first few.
func (p *Partition) setAside(q *queue) {
	s := p.asides
	if s == nil || !s.loaded || p.closing || q.aside != nil || len(s.open) >= maxAsides || len(s.closed) >= maxClosed || len(q.holds) <= p.maxOfKey() {
		return
	}
	first := q.holds[perKey]
	if first.Where() == "" || !s.store.Allowed() {
		return
	}
	from := first.Sequence()
	a := &aside{
		Aside: Aside{ID: KeyID(q.key), Where: first.Where(), From: from, Done: from - 1}, queue: q,
		read: from - 1, newest: from, saved: from - 1, every: p.bounds.Key,
	}
	q.aside, s.open[a.ID] = a, a
	p.saveAsides()
}

// maxOfKey is how many deliveries of a key may wait before it is set aside. It is fewer where many are held.
func (p *Partition) maxOfKey() int {
	if len(p.holds) > p.bounds.Most/4 {
		return max(p.bounds.KeyPressed, perKey)
	}
	return max(p.bounds.Key, perKey)
}

// opened takes the deliveries of a key out of its queue once the record says that they are aside.
func (p *Partition) opened(a *aside) (gone []*hold) {
	a.state = isOpen
	q := a.queue
	place := slices.IndexFunc(q.holds, func(h *hold) bool { return h.Sequence() >= a.From })
	if place < 0 {
		return nil
	}
	moved := slices.Clone(q.holds[place:])
	clear(q.holds[place:])
	q.holds = q.holds[:place]
	for _, h := range moved {
		a.newest = max(a.newest, h.Sequence())
		a.Waiting++
		if !a.mark(h) {
			gone = append(gone, h)
		}
	}
	p.letGo(gone)
	p.left(q, len(moved))
	return gone
}

// refill reads what is next of a key that is aside, where its queue has little, and ends to have it aside where it is at its
// end.
func (p *Partition) refill(a *aside) {
	if a.state != isOpen || a.leaving || a.givenBack || a.reading || a.queue != nil && len(a.queue.holds) >= refillBelow {
		return
	}
	if a.read < a.newest {
		a.reading = true
		p.engine.running.Add(1)
		go p.read(p.asides.context, a, readRequest{a.Aside, a.read, a.newest, a.inherited})
		return
	}
	if a.queue == nil || len(a.queue.holds) == 0 && a.queue.waiting == nil {
		a.state, a.Until, a.Waiting = closing, max(a.newest, a.From), 0
		p.saveAsides()
	}
}

// readRequest is what Asides.Read is asked for.
type readRequest struct {
	Aside
	after, upTo uint64
	suspect     bool
}

// read reads more of a key that is aside into its queue.
func (p *Partition) read(ctx context.Context, a *aside, r readRequest) {
	e := p.engine
	defer e.running.Done()
	deliveries, read, err := p.asides.store.Read(ctx, r.Aside, r.after, r.upTo, r.suspect)
	if err != nil {
		_ = service.Sleep(ctx, e.times.Look) // It is tried again.
	}
	e.mutex.Lock()
	defer e.mutex.Unlock()
	a.reading = false
	known := p.asides.open[a.ID] == a && !a.leaving
	if !known || a.read != r.after { // The queue was dropped meanwhile.
		for _, d := range deliveries {
			_ = d.Return(false)
		}
	} else {
		a.inherited = a.inherited && len(deliveries) == 0
		a.read = max(read, r.after)
		for _, d := range deliveries {
			p.link(a, d.Key())
			p.insert(a.queue, &hold{Delivery: d, stored: true, aside: a})
		}
	}
	if known && ctx.Err() == nil {
		p.refill(a)
	}
	e.dispatch()
}

// link gives a key that is aside its queue.
func (p *Partition) link(a *aside, key string) {
	if a.queue == nil {
		a.queue = p.queueOf(key)
		a.queue.aside = a
	}
}

// finished notes that a delivery was worked at, and is done or given back, where its key is aside.
func (p *Partition) finished(h *hold, isDone bool) {
	q := h.queue
	if q.aside != nil && !isDone { // What is read from the store must not overtake it either.
		q.aside.givenBack = true
		p.doubt()
	}
	if a := h.aside; h.stored && p.asides.open[a.ID] == a { // Else another worker has it by now.
		if isDone {
			a.Done = max(a.Done, h.Sequence())
			a.Waiting -= min(a.Waiting, 1)
			a.unsaved++
		}
		if isDone || a.leaving { // What is left of a partition keeps its mark until the record is written.
			p.saveAsides()
		}
	}
	if q.aside != nil {
		p.refill(q.aside)
	}
}

// isLeft reports whether a delivery that is aside was under way when the partition was given up.
func (h *hold) isLeft() bool { return h.stored && h.aside.leaving }

// leaveAll lets go of what was still under way when the partition was given up, and is done, and returns what is held for it.
func (p *Partition) leaveAll(which func(*aside) bool) (marks []*hold) {
	for _, id := range slices.Sorted(maps.Keys(p.asides.open)) {
		if a := p.asides.open[id]; a.leaving && !a.isUnderWay() && which(a) {
			marks = append(marks, p.leave(a)...)
		}
	}
	return marks
}

// detach makes the queue of a key that is not aside any more one as any other.
func (p *Partition) detach(a *aside) {
	delete(p.asides.open, a.ID)
	a.marks = nil
	if q := a.queue; q != nil && q.aside == a {
		q.aside = nil
		p.left(q, 0)
		p.setAside(q)
	}
}

// leave lets go of a key that is aside, for the next owner.
func (p *Partition) leave(a *aside) (marks []*hold) {
	marks = a.marks
	p.letGo(marks)
	p.detach(a)
	return marks
}

// isUnderWay reports whether something that is aside is worked at right now.
func (a *aside) isUnderWay() bool {
	return a.queue != nil && a.queue.running() && a.queue.holds[0].stored
}

// dropAsides lets go of all keys that are aside, for the next owner, and returns their marks. Where a delivery is under way, or
// the record does not yet say what is done, a mark stays until it does: no other worker begins anything of the key before.
func (p *Partition) dropAsides() (marks []*hold) {
	s := p.asides
	if s == nil {
		return nil
	}
	s.loaded, s.kept, s.closed = false, false, nil
	for _, id := range slices.Sorted(maps.Keys(s.open)) {
		a := s.open[id]
		if !a.isUnderWay() && a.Done == a.saved {
			marks = append(marks, p.leave(a)...)
			continue
		}
		a.leaving, a.read = true, a.Done
		p.saveAsides()
		if len(a.marks) > 1 {
			p.letGo(a.marks[1:])
			marks = append(marks, a.marks[1:]...)
			a.marks = a.marks[:1]
		}
	}
	return marks
}
