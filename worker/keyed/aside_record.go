package keyed

import (
	"context"
	"errors"
	"maps"
	"slices"

	"sluice.internal/shared/service"
)

// saveAsides writes the record, soon.
func (p *Partition) saveAsides() {
	s := p.asides
	s.dirty = true
	if s.saving {
		return
	}
	s.saving = true
	p.engine.running.Add(1)
	go p.save()
}

// save writes the record as long as it changes.
func (p *Partition) save() {
	e, s := p.engine, p.asides
	defer e.running.Done()
	for {
		e.mutex.Lock()
		ctx := s.context
		if !s.dirty || ctx.Err() != nil {
			s.saving = false
			e.mutex.Unlock()
			return
		}
		s.dirty = false
		if !s.kept && len(s.open) == 0 { // What changed is given up.
			e.mutex.Unlock()
			continue
		}
		list, written := s.record()
		revision := s.revision
		e.mutex.Unlock()
		revision, err := s.store.Save(ctx, list, revision)
		e.mutex.Lock()
		var gone, returned []*hold
		switch {
		case err == nil:
			s.revision, s.list = revision, list
			gone, returned = p.saved(written)
		case errors.Is(err, ErrOvertaken):
			s.loaded, s.kept = false, false
			p.doubt()
			returned = p.leaveAll(func(*aside) bool { return true })
		default:
			s.dirty = true
			at := now()
			returned = p.leaveAll(func(a *aside) bool { return !a.isMine(at, e.times) })
		}
		e.dispatch()
		acknowledged, given := e.validOf(gone), e.validOf(returned)
		e.mutex.Unlock()
		for i, h := range gone {
			if acknowledged[i] {
				_ = h.Ack() // What the broker was not told comes again, and is known then.
			}
		}
		for i, h := range returned {
			_ = h.Return(given[i])
		}
		pause := saveEvery
		if err != nil {
			pause = e.times.Pause
		}
		_ = service.Sleep(ctx, pause) // The loop sees the end.
	}
}

// written is what a record says of an aside.
type written struct {
	aside *aside
	state asideState
	done  uint64
	count int // of those that were not saved before
}

// record returns what is to be written.
func (s *asides) record() (list []Aside, all []written) {
	if s.kept {
		list = slices.Clone(s.closed)
	} else {
		list = slices.Clone(s.list)
	}
	for _, id := range slices.Sorted(maps.Keys(s.open)) {
		a := s.open[id]
		all = append(all, written{a, a.state, a.Done, a.unsaved})
		a.told = a.Waiting
		if s.kept {
			list = append(list, a.Aside)
			continue
		}
		// The partition is given up. All stays as it was, apart from what was still under way.
		for i := range list {
			if list[i].ID == id && list[i].Until == 0 {
				list[i].Done = max(list[i].Done, a.Done)
			}
		}
	}
	return list, all
}

// saved goes on with what waited for the record. It returns what is to be acknowledged, and what is to be given back.
func (p *Partition) saved(all []written) (gone, returned []*hold) {
	s := p.asides
	for _, w := range all {
		a := w.aside
		if s.open[a.ID] != a {
			continue // It was given up meanwhile.
		}
		a.saved = w.done
		a.unsaved -= w.count
		if a.queue != nil {
			a.queue.next()
		}
		switch {
		case a.leaving:
			if !a.isUnderWay() && a.Done == a.saved {
				returned = append(returned, p.leave(a)...)
			}
			continue
		case w.state == opening:
			gone = append(gone, p.opened(a)...)
			p.refill(a)
		case w.state == closing:
			gone = append(gone, a.marks...)
			p.letGo(a.marks)
			s.closed = append(s.closed, a.Aside)
			p.detach(a)
		}
		gone = append(gone, p.thin(a)...)
	}
	return gone, returned
}

// loadAsides reads the record and writes it again, so that a former owner writes it no more. It is called while all that is
// handed out is in the hands of this worker. Ready is false when something has to be looked at again.
func (p *Partition) loadAsides(ctx context.Context) (ready bool, err error) {
	s, e := p.asides, p.engine
	if s == nil {
		return true, nil
	}
	e.mutex.Lock()
	if s.loaded || s.saving {
		loaded := s.loaded
		e.mutex.Unlock()
		if !loaded {
			_ = service.Sleep(ctx, saveEvery) // The caller sees the end.
		}
		return loaded, nil
	}
	s.saving = true // Nobody else writes meanwhile.
	e.mutex.Unlock()
	ready, err = p.claimAsides(ctx)
	e.mutex.Lock()
	defer e.mutex.Unlock()
	s.saving = false
	if s.dirty {
		p.saveAsides()
	}
	return ready, err
}

func (p *Partition) claimAsides(ctx context.Context) (ready bool, err error) {
	s, e := p.asides, p.engine
	list, revision, last, err := s.store.Load(ctx)
	if err != nil {
		return false, err
	}
	e.mutex.Lock()
	kept, same := s.kept, revision == s.revision
	s.loaded = kept && same
	stale := false // Something is here that this worker has not let go of since another one wrote.
	for _, a := range s.open {
		stale = stale || !a.leaving
	}
	e.mutex.Unlock()
	switch {
	case kept && same:
		return true, nil
	case kept || stale:
		p.abandon() // What is here is not so any more. It comes again.
		return false, nil
	}
	floor, err := s.store.Floor(ctx)
	if err != nil {
		return false, err
	}
	list = slices.DeleteFunc(list, func(a Aside) bool { return a.Until > 0 && a.Until <= floor })
	if revision, err = s.store.Save(ctx, list, revision); err != nil {
		return false, err
	}
	e.mutex.Lock()
	defer e.mutex.Unlock()
	s.revision, s.list, s.loaded, s.kept = revision, list, true, true
	for _, entry := range list {
		p.adopt(entry, last, same)
	}
	return true, nil
}

// adopt goes on with a key that is aside. Same says that nobody has written the record since this worker did.
func (p *Partition) adopt(entry Aside, last uint64, same bool) {
	s := p.asides
	if entry.Until > 0 {
		s.closed = append(s.closed, entry)
		return
	}
	before := s.open[entry.ID] // What is still under way of it here.
	a := &aside{
		Aside: entry, state: isOpen, read: entry.Done, newest: max(last, entry.Done), saved: entry.Done,
		every: p.bounds.Key, inherited: true,
	}
	if before != nil {
		a.marks, a.queue = before.marks, before.queue
		a.queue.aside = a
		for _, h := range a.queue.holds {
			if same && h.stored { // It goes on as if nothing had been.
				h.aside, a.read = a, h.Sequence()
			}
		}
		for _, h := range a.marks {
			h.aside = a
		}
	}
	s.open[entry.ID] = a
}
