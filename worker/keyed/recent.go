package keyed

// maxRecent is how many deliveries are remembered that were done. It is more than a partition hands out at a time.
const maxRecent = 8192

// recent are the last deliveries that were done. The broker hands out again what it did not learn to be done.
type recent struct {
	set  map[uint64]struct{}
	ring []uint64
	next int
}

func (r *recent) has(sequence uint64) bool {
	_, known := r.set[sequence]
	return known
}

func (r *recent) add(sequence uint64) {
	if r.set == nil {
		r.set = map[uint64]struct{}{}
	}
	if len(r.ring) < maxRecent {
		r.ring = append(r.ring, sequence)
	} else {
		delete(r.set, r.ring[r.next])
		r.ring[r.next] = sequence
		r.next = (r.next + 1) % maxRecent
	}
	r.set[sequence] = struct{}{}
}
