package rejection

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
	// maxAddresses is how many addresses are remembered. One that takes another's place has its failures forgotten,
	// and nobody can choose whose that is.
	maxAddresses = 8 << 10
	// network is how much of an IPv6 address counts: who has one has as many as that leaves.
	network = 64
)

// pair is an address and the source that it calls, as they are remembered: a hash, so that the memory does not grow.
type pair struct{ seed maphash.Seed }

// hash counts an IPv6 address as its network.
func (p pair) hash(source string, client netip.Addr) uint64 {
	if client.Is6() {
		if prefix, err := client.Prefix(network); err == nil {
			client = prefix.Addr()
		}
	}
	return maphash.Comparable(p.seed, struct {
		client netip.Addr
		source string
	}{client, source})
}

// failures bounds what requests that prove nothing cost, by address and source, in memory that does not grow. Requests
// that are right are not counted, so that nobody can be locked out.
type failures struct {
	pair

	mutex   sync.Mutex
	buckets [maxAddresses]bucket
}

// bucket is what an address has left.
type bucket struct {
	address uint64
	left    float64
	at      time.Time
}

func newFailures() *failures { return &failures{pair: pair{maphash.MakeSeed()}} }

// spend reports whether there is something left for another failure of the client, and takes it.
func (f *failures) spend(source string, client netip.Addr) bool {
	address, now := f.hash(source, client), time.Now()
	f.mutex.Lock()
	defer f.mutex.Unlock()
	one := &f.buckets[address%maxAddresses]
	if one.address != address {
		*one = bucket{address, failureBurst, now}
	}
	one.left = min(one.left+failureRate*now.Sub(one.at).Seconds(), failureBurst)
	one.at = now
	if one.left < 1 {
		return false
	}
	one.left--
	return true
}

// recentSenders remembers from which addresses authenticated requests came.
type recentSenders struct {
	pair

	addresses [maxAddresses]atomic.Uint64
}

func newRecentSenders() *recentSenders { return &recentSenders{pair: pair{maphash.MakeSeed()}} }

func (s *recentSenders) note(source string, client netip.Addr) {
	address := s.hash(source, client)
	if one := &s.addresses[address%maxAddresses]; one.Load() != address {
		one.Store(address)
	}
}

func (s *recentSenders) knows(source string, client netip.Addr) bool {
	address := s.hash(source, client)
	return s.addresses[address%maxAddresses].Load() == address
}
