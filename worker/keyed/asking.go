package keyed

import (
	"context"
	"maps"
	"time"
)

// maxStaged bounds one request while staging: what others held comes again by itself, and new deliveries only wait.
const maxStaged = 64

// request returns what to ask the broker for. It is not ready when something has to be looked at again.
func (p *Partition) request(ctx context.Context, pin string) (r Request, ready bool, err error) {
	times := p.engine.times
	switch {
	case p.engine.unordered:
		r, ready = p.requestShared(ctx)
		return r, ready, nil
	case pin == "":
		return Request{Count: 1, Wait: times.Ask}, true, nil
	case p.isStaging():
		foreign, err := p.foreign(ctx)
		if err == nil && foreign <= 0 {
			var loaded bool
			if loaded, err = p.loadAsides(ctx); loaded {
				p.release()
			}
		} else if err == nil {
			return Request{Pin: pin, Count: min(foreign, maxStaged), Wait: times.Look}, true, nil
		}
		if ctx.Err() != nil {
			err = nil
		}
		return Request{}, false, err
	}
	room := p.room()
	if room > p.bounds.Window/4 || room == p.bounds.Window {
		return Request{Pin: pin, Count: room, Wait: times.Ask}, true, nil
	}
	// Nothing is asked for before there is capacity for many. Meanwhile the broker has to believe in this owner.
	timer := time.NewTimer(times.Ask)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-p.freed:
		return Request{}, false, nil
	case <-timer.C:
	}
	return Request{Pin: pin, Wait: times.Look}, true, nil
}

// requestShared asks for as many deliveries as may be worked at, of a partition without an owner.
func (p *Partition) requestShared(ctx context.Context) (r Request, ready bool) {
	if room := p.room(); room > 0 {
		return Request{Count: room, Wait: p.engine.times.Ask}, true
	}
	select {
	case <-ctx.Done():
	case <-p.freed:
	}
	return Request{}, false
}

func (p *Partition) isStaging() bool {
	p.engine.mutex.Lock()
	defer p.engine.mutex.Unlock()
	return p.staging
}

// room returns how many more deliveries may be held, and forgets that there was capacity.
func (p *Partition) room() int {
	p.engine.mutex.Lock()
	defer p.engine.mutex.Unlock()
	select {
	case <-p.freed:
	default:
	}
	return max(min(p.bounds.Window-p.counted-len(p.staged), p.bounds.Most-len(p.holds)), 0)
}

// foreign returns how many deliveries are handed out that this worker does not hold; more when the broker does not know yet
// what was acknowledged. Only what is held both before and after the broker was asked counts as held: it was handed out
// then.
func (p *Partition) foreign(ctx context.Context) (int, error) {
	p.engine.mutex.Lock()
	arrivals := p.arrivals
	p.engine.mutex.Unlock()
	count, place, err := p.broker.HandedOut(ctx)
	if err != nil {
		return 0, err
	}
	p.engine.mutex.Lock()
	defer p.engine.mutex.Unlock()
	at := now()
	for h := range maps.Values(p.holds) {
		if h.arrival <= arrivals && h.valid(at, p.engine.times) {
			count--
		}
	}
	if count <= 0 { // Whatever comes next comes behind it: what is missing then got lost on the way.
		p.place = max(p.place, place) // On replicas the broker may not have noted the last ones yet.
	}
	return count, nil
}
