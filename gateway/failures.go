package gateway

import (
	"hash/maphash"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// failureBurst and failureRate are how many requests of one address that prove nothing are looked into at once, and
	// in a second for long. What is over is counted, and answered 429.
	failureBurst = 200
	failureRate  = 5
	// addressPlaces is how many addresses are remembered. One that takes another's place has its failures forgotten,
	// and nobody can choose whose that is.
	addressPlaces = 8 << 10
	// network is how much of an IPv6 address counts: who has one has as many as that leaves.
	network = 64
)

// hashed is what is remembered of an address and the source that it calls.
type hashed struct{ seed maphash.Seed }

func (h hashed) of(v *visit) uint64 {
	address := v.client
	if address.Is6() {
		if prefix, err := address.Prefix(network); err == nil {
			address = prefix.Addr()
		}
	}
	return maphash.Comparable(h.seed, struct {
		address netip.Addr
		source  string
	}{address, v.source()})
}

// failures bounds what requests that prove nothing cost, by address and source, in memory that does not grow.
type failures struct {
	hashed

	mutex  sync.Mutex
	places [addressPlaces]failing
}

type failing struct {
	address uint64
	left    float64
	at      time.Time
}

func newFailures() *failures { return &failures{hashed: hashed{maphash.MakeSeed()}} }

// spend tells whether there is something left for another failure of the visit's address, and takes it.
func (f *failures) spend(v *visit) bool {
	address, now := f.of(v), time.Now()
	f.mutex.Lock()
	defer f.mutex.Unlock()
	place := &f.places[address%addressPlaces]
	if place.address != address {
		*place = failing{address, failureBurst, now}
	}
	place.left = min(place.left+failureRate*now.Sub(place.at).Seconds(), failureBurst)
	place.at = now
	if place.left < 1 {
		return false
	}
	place.left--
	return true
}

// senders remembers from which addresses notifications came: when one of them begins to fail, that is worth keeping
// even in a flood of strangers.
type senders struct {
	hashed

	places [addressPlaces]atomic.Uint64
}

func newSenders() *senders { return &senders{hashed: hashed{maphash.MakeSeed()}} }

func (s *senders) note(v *visit) {
	address := s.of(v)
	if place := &s.places[address%addressPlaces]; place.Load() != address {
		place.Store(address)
	}
}

func (s *senders) knows(v *visit) bool {
	address := s.of(v)
	return s.places[address%addressPlaces].Load() == address
}
