package budget

import (
	"fmt"
	"net/netip"
	"sync/atomic"
	"time"
)

const (
	// goodRate is what a body comes at that nobody calls slow, in bytes a second.
	goodRate = 1 << 20
	// maxLag is how far a body may be behind that before it gives way to others, and maxCredit how far it may be ahead: what
	// came fast and stopped does not hold its memory for long.
	maxLag    = 250 * time.Millisecond
	maxCredit = 100 * time.Millisecond
	// lookInterval is how often who waits for memory looks whether a body has become slow.
	lookInterval = 25 * time.Millisecond
)

// A Client is the connection that a body comes from.
type Client interface {
	// SetReadDeadline bounds the reading that is under way too. It may be called while another goroutine reads.
	SetReadDeadline(at time.Time) error
}

// Request is what a Budget has to know of a request.
type Request struct {
	// Source is the name of the source whose path was called.
	Source string
	// Address is where the request comes from, the zero Addr when that is not known. Those count as one.
	Address netip.Addr
	// Verified says that the sender is known already.
	Verified bool
	// MaxBody is the largest body, in bytes, that the source accepts.
	MaxBody int64
	// Overhead is the memory, in bytes, that the request takes besides its body.
	Overhead int64
	// Client is what a slow body comes from; nil for bodies that are here.
	Client Client
	// Began is when the request came.
	Began time.Time
}

// A Reservation is the memory that one request has of a budget. One goroutine uses it.
type Reservation struct {
	budget  *Budget
	source  string
	address netip.Addr
	maxBody int64
	client  Client
	began   time.Time
	// overhead is taken with the beginning of the body.
	overhead int64
	// received counts the bytes that came.
	received atomic.Int64
	// held is what Hold took. Nobody but the goroutine that uses the reservation needs it.
	held int64

	// The rest is guarded by the budget's mutex.
	verified bool
	taken    int64
	// displaced says that others need the memory, waits that the body itself waits for some. waited is how long it did.
	displaced, waits bool
	waited           time.Duration
	// paidUntil is the time until which the bytes that came last to goodRate, and counted the bytes that are paid for.
	paidUntil time.Time
	counted   int64
}

// Reserve makes a reservation of which nothing is taken yet.
func (b *Budget) Reserve(request Request) *Reservation {
	return &Reservation{
		budget: b, source: request.Source, address: networkOf(request.Address), verified: request.Verified,
		maxBody: request.MaxBody, client: request.Client, began: request.Began, overhead: request.Overhead,
		paidUntil: request.Began,
	}
}

// Verify says that the sender is known now: from here on the body counts as one of a verified sender.
func (r *Reservation) Verify() {
	b := r.budget
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if !r.verified {
		r.verified = true
		b.unverified -= r.taken
	}
}

// Release returns all of the memory. It may be called again.
func (r *Reservation) Release() {
	b := r.budget
	b.mutex.Lock()
	defer b.mutex.Unlock()
	delete(b.reading, r)
	if r.taken > 0 {
		b.add(r, -r.taken)
	}
}

// giveBack returns some of the memory.
func (r *Reservation) giveBack(size int64) {
	r.budget.mutex.Lock()
	defer r.budget.mutex.Unlock()
	r.budget.add(r, -size)
}

// acquire takes memory before it is allocated. Where there is none it makes the slowest give way or waits for a moment.
// Errors: ErrExhausted, ErrDisplaced, ErrTooLarge.
func (r *Reservation) acquire(size int64) error {
	b := r.budget
	b.mutex.Lock()
	defer b.mutex.Unlock()
	for {
		switch {
		case r.displaced:
			return ErrDisplaced
		case b.fits(r, size):
			b.add(r, size)
			return nil
		}
		exceeded := b.exceeded(r, size)
		if r.taken+size > exceeded.limit {
			return fmt.Errorf("%w: it needs %d bytes of memory, and %d may be taken", ErrTooLarge, r.taken+size, exceeded.limit)
		}
		if r.waited >= maxWait {
			return fmt.Errorf("%w: %d of %d bytes are taken", ErrExhausted, exceeded.taken, exceeded.limit)
		}
		b.displaceSlow(exceeded.counts, exceeded.taken+size-exceeded.limit)
		if !r.displaced {
			r.wait(exceeded)
		}
	}
}

// wait waits until memory is released, and not longer than maxWait in all. The mutex is held before and after, and not
// meanwhile.
func (r *Reservation) wait(exceeded scope) {
	b, began := r.budget, time.Now()
	r.waits = true
	if victim := b.stuck(exceeded); victim != nil {
		victim.displace()
	}
	if !r.displaced {
		b.waiting++
		released := b.released
		b.mutex.Unlock()
		timer := time.NewTimer(min(maxWait-r.waited, lookInterval))
		select {
		case <-released:
		case <-timer.C:
		}
		timer.Stop()
		b.mutex.Lock()
		b.waiting--
	}
	r.waits = false
	took := time.Since(began)
	r.waited += took
	r.paidUntil = r.paidUntil.Add(took)
	r.extend()
}

// displace ends the reading of the body. One that waits for memory finds out when it is woken.
func (r *Reservation) displace() {
	r.displaced = true
	if r.client != nil {
		// It fails on a connection that is gone, where nothing is read any more.
		_ = r.client.SetReadDeadline(time.Now())
	}
	if r.waits {
		r.budget.wake()
	}
}

// pay moves the time for which the body has paid by what came since. The mutex is held.
func (r *Reservation) pay() {
	received := r.received.Load()
	r.paidUntil = r.paidUntil.Add(time.Duration(received-r.counted) * time.Second / goodRate)
	r.counted = received
	if latest := time.Now().Add(maxCredit); r.paidUntil.After(latest) {
		r.paidUntil = latest
	}
}

// begin says that the body comes from now on, so that it can be made to give way.
func (r *Reservation) begin() {
	if r.client == nil {
		return
	}
	r.budget.mutex.Lock()
	defer r.budget.mutex.Unlock()
	r.budget.reading[r] = struct{}{}
}

// end says that no more of the body comes. It reports whether the body was made to give way before.
func (r *Reservation) end() (displaced bool) {
	if r.client == nil {
		return false
	}
	r.budget.mutex.Lock()
	defer r.budget.mutex.Unlock()
	delete(r.budget.reading, r)
	return r.displaced
}

// extend gives the client time for more of the body: the grace, and what it has earned by what it brought. A body that has
// to give way gets none. The mutex is held.
func (r *Reservation) extend() {
	settings := r.budget.settings
	if r.client == nil || settings.MinRate <= 0 || r.displaced {
		return
	}
	earned := time.Duration(float64(r.received.Load()) / float64(settings.MinRate) * float64(time.Second))
	allowed := settings.Grace + r.waited + earned
	if settings.MaxTime > 0 {
		allowed = min(allowed, settings.MaxTime)
	}
	_ = r.client.SetReadDeadline(r.began.Add(allowed))
}

// Received returns how many bytes of the body came.
func (r *Reservation) Received() int64 { return r.received.Load() }
