package keyed

import (
	"context"
	"time"
)

// Times are the broker's. All partitions of an engine have the same.
type Times struct {
	// AckWait is how long the broker waits for a sign of life before it hands a delivery to somebody else.
	AckWait time.Duration
	// Ask is how long one request stays open. The broker believes in an owner for several times as long.
	Ask time.Duration
	// Look is the time between two looks at what is handed out, while staging.
	Look time.Duration
	// Pause is the time between two attempts after the broker did not answer.
	Pause time.Duration
}

// margin is by how much a hold ends before the broker's time does: what was acknowledged or begun just before is known
// there by then.
func (t Times) margin() time.Duration { return t.AckWait / 4 }

// renewAfter is the age at which a hold is renewed. There is time for a second attempt.
func (t Times) renewAfter() time.Duration { return t.AckWait * 3 / 8 }

// hold is a delivery in the hands of this worker. The engine's mutex guards it.
type hold struct {
	Delivery
	queue   *queue
	arrival uint64 // counts what a partition was handed
	// since is when the broker's time began at the earliest. It is taken from the wall clock, which goes on while the
	// machine is suspended.
	since time.Time
	begun bool // somebody works at it right now
	// stored says that it was read from where it is stored, so that the broker did not hand it out. It is of aside then. A mark
	// of one has aside too.
	stored bool
	aside  *aside
}

// now is the wall clock's time. The monotonic clock stands still while a machine is suspended.
func now() time.Time { return time.Now().Round(0) }

// valid reports whether nobody else may have the delivery at a time.
func (h *hold) valid(at time.Time, times Times) bool {
	return at.Before(h.since.Add(times.AckWait - times.margin()))
}

// validOf says of each hold whether nobody else may have it now. The mutex is held.
func (e *Engine) validOf(holds []*hold) []bool {
	at, valid := now(), make([]bool, len(holds))
	for i, h := range holds {
		valid[i] = h.valid(at, e.times)
	}
	return valid
}

// Renew renews the holds of all partitions until the context ends. It has to outlive everything that is under way.
func (e *Engine) Renew(ctx context.Context) {
	ticker := time.NewTicker(e.times.AckWait / 16)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		e.mutex.Lock()
		partitions := e.partitions
		e.mutex.Unlock()
		for _, p := range partitions {
			p.renew(ctx)
		}
	}
}

// renew renews what is old, unless that is still under way. It does not wait for the broker.
func (p *Partition) renew(ctx context.Context) {
	at := now()
	p.engine.mutex.Lock()
	old, over := p.old(at)
	if over {
		p.doubt()
	}
	if len(old) == 0 || p.renewing {
		p.engine.mutex.Unlock()
		return
	}
	p.renewing = true
	p.engine.mutex.Unlock()
	go func() {
		bounded, cancel := context.WithTimeout(ctx, p.engine.times.AckWait/4)
		defer cancel()
		deliveries := make([]Delivery, len(old))
		for i, h := range old {
			deliveries[i] = h.Delivery
		}
		err := p.broker.Renew(bounded, deliveries)
		p.engine.mutex.Lock()
		defer p.engine.mutex.Unlock()
		p.renewing = false
		if err == nil {
			p.renewed(old, at)
		}
	}()
}

// old returns the holds to renew, and whether one that has not begun is over. That one is not renewed: somebody else may have
// the delivery, and the broker does not say so.
func (p *Partition) old(at time.Time) (old []*hold, over bool) {
	for _, h := range p.holds {
		switch {
		case !h.valid(at, p.engine.times):
			over = over || !h.begun
		case at.Sub(h.since) >= p.engine.times.renewAfter():
			old = append(old, h)
		}
	}
	return old, over
}

// renewed notes that the broker has confirmed what was asked at a time. That counts only where the broker's time can not
// have been over when it was asked: its answer is here.
func (p *Partition) renewed(holds []*hold, at time.Time) {
	answered := now()
	for _, h := range holds {
		if answered.Before(h.since.Add(p.engine.times.AckWait)) && at.After(h.since) {
			h.since = at
		}
	}
}
