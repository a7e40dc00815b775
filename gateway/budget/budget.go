package budget

import (
	"cmp"
	"errors"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// The errors of a Reservation.
var (
	// ErrExhausted says that there is no memory now: whoever wants it may come again.
	ErrExhausted = errors.New("the memory for bodies is used up")
	// ErrDisplaced says that the body gave way to others because it came slowest.
	ErrDisplaced = errors.New("the body came too slowly to be kept while memory was needed")
	// ErrTooLarge says that the body is larger than its limit, or needs more than one source may ever take.
	ErrTooLarge = errors.New("the body is too large")
)

const (
	// unverifiedShare is the part of the memory that bodies of senders may take that are not verified yet.
	unverifiedShare = 2
	// fairShare is the part of the memory that one source and one address may take.
	fairShare = 4
	// maxWait is how long a request waits in all for memory that others will release. It is short of what senders wait for
	// an answer, with the time for storing.
	maxWait = time.Second
	// network is how much of an IPv6 address counts: who has one has as many as that leaves.
	network = 64
)

// Settings are what a Budget needs to know. Both rates are in bytes a second.
type Settings struct {
	// Size is the memory, in bytes, that all bodies may take together.
	Size int64
	// MinRate is how fast a body has to come on average once Grace is over; 0 asks for nothing.
	MinRate int64
	// Grace is the time that every body has before that.
	Grace time.Duration
	// MaxTime is the longest time that a body may take, however fast it comes; 0 is without a bound.
	MaxTime time.Duration
}

// A Budget is the memory for bodies of requests under way. It is used concurrently.
type Budget struct {
	settings Settings
	// blocks are free blocks of memory, so that large bodies leave little for the garbage collector. It is bounded, so that
	// what lies there counts for nothing.
	blocks chan []byte

	mutex                   sync.Mutex
	taken, unverified, peak int64
	sources                 map[string]int64
	addresses               map[netip.Addr]int64
	reading                 map[*Reservation]struct{}
	waiting                 int
	released                chan struct{} // closed at the next release, while somebody waits
}

// New makes a budget of which nothing is taken.
func New(settings Settings) *Budget {
	return &Budget{
		settings: settings, blocks: make(chan []byte, maxFreeBlocks),
		sources: map[string]int64{}, addresses: map[netip.Addr]int64{}, reading: map[*Reservation]struct{}{},
		released: make(chan struct{}),
	}
}

// MaxBody returns the largest body, in bytes, that has room beside the parts of it that are copied while it comes.
func (b *Budget) MaxBody() int64 { return b.settings.Size / unverifiedShare / 10 * 7 }

// Taken returns how many bytes are taken now, and Peak the most that ever were.
func (b *Budget) Taken() int64 {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.taken
}

// Peak returns the most bytes that were ever taken at once.
func (b *Budget) Peak() int64 {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.peak
}

// Displace ends the reading of the body that comes slowest of all, verified or not, if it comes slowly, and reports whether
// it did.
func (b *Budget) Displace() bool {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.displaceSlow(func(r *Reservation) bool { return !r.displaced }, 1) > 0
}

// part returns what a source and an address may take: a quarter, or more where one of the source's largest bodies needs it
// with what it is unpacked from. It is never more than what unverified bodies may take.
func (b *Budget) part(maxBody int64) int64 {
	return max(b.settings.Size/fairShare, min(b.settings.Size/unverifiedShare, 2*maxBody+maxBody/growthShare+2*blockSize))
}

// A scope is a bound of the budget: what it allows, what is taken of it, and whom it counts.
type scope struct {
	limit, taken int64
	counts       func(*Reservation) bool
}

// fits reports whether the reservation may take more.
func (b *Budget) fits(r *Reservation, more int64) bool {
	part := b.part(r.maxBody)
	return b.taken+more <= b.settings.Size && b.addresses[r.address]+more <= part && b.sources[r.source]+more <= part &&
		(r.verified || b.unverified+more <= b.settings.Size/unverifiedShare)
}

// exceeded returns the narrowest bound that keeps the reservation from taking more.
func (b *Budget) exceeded(r *Reservation, more int64) scope {
	part := b.part(r.maxBody)
	switch {
	case b.addresses[r.address]+more > part:
		return scope{part, b.addresses[r.address], func(o *Reservation) bool { return o.address == r.address }}
	case b.sources[r.source]+more > part:
		return scope{part, b.sources[r.source], func(o *Reservation) bool { return o.source == r.source }}
	case !r.verified && b.unverified+more > b.settings.Size/unverifiedShare:
		return scope{b.settings.Size / unverifiedShare, b.unverified, func(o *Reservation) bool { return !o.verified }}
	default:
		return scope{b.settings.Size, b.taken, func(*Reservation) bool { return true }}
	}
}

// add counts memory that a reservation takes, or gives back where more is negative.
func (b *Budget) add(r *Reservation, more int64) {
	r.taken += more
	b.taken += more
	b.peak = max(b.peak, b.taken)
	if !r.verified {
		b.unverified += more
	}
	addTo(b.sources, r.source, more)
	addTo(b.addresses, r.address, more)
	if more < 0 && b.waiting > 0 {
		b.wake()
	}
}

// wake wakes all who wait for memory.
func (b *Budget) wake() {
	close(b.released)
	b.released = make(chan struct{})
}

// addTo keeps no entry for whoever holds nothing, so that the map does not grow with the addresses that there are.
func addTo[K comparable](counts map[K]int64, key K, more int64) {
	if sum := counts[key] + more; sum > 0 {
		counts[key] = sum
	} else {
		delete(counts, key)
	}
}

// displaceSlow makes bodies give way that come slowly, of those that the bound counts: the slowest first, and no more than it
// takes to release so many bytes. What has to give way already counts, as it is released soon. It returns how many gave way.
func (b *Budget) displaceSlow(counts func(*Reservation) bool, bytes int64) (displaced int) {
	type slow struct {
		reservation *Reservation
		lag         time.Duration
	}
	var found []slow
	now := time.Now()
	for r := range b.reading {
		switch lag := now.Sub(r.paidUntil); {
		case !counts(r):
		case r.displaced:
			bytes -= r.taken
		case lag > maxLag:
			found = append(found, slow{r, lag})
		}
	}
	slices.SortFunc(found, func(a, b slow) int { return cmp.Compare(b.lag, a.lag) })
	for _, one := range found {
		if bytes <= 0 {
			break
		}
		one.reservation.displace()
		bytes -= one.reservation.taken
		displaced++
	}
	return displaced
}

// stuck returns the body that has brought least where all that the bound counts wait for memory: then none of them would
// release any, and one has to give way. It returns nil while one of them comes or is being stored.
func (b *Budget) stuck(of scope) (victim *Reservation) {
	held := int64(0)
	for r := range b.reading {
		if !of.counts(r) || r.displaced {
			continue
		}
		if !r.waits {
			return nil
		}
		held += r.taken
		if victim == nil || r.received.Load() < victim.received.Load() {
			victim = r
		}
	}
	if held < of.taken {
		return nil // Somebody has all of its body, and releases it once it is stored.
	}
	return victim
}

// networkOf returns what counts as one address.
func networkOf(client netip.Addr) netip.Addr {
	if client.Is6() {
		if prefix, err := client.Prefix(network); err == nil {
			return prefix.Addr()
		}
	}
	return client
}
