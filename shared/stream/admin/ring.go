package admin

// ring keeps the last few of many values, and none of those before them.
type ring[T any] struct {
	values []T
	limit  int
	oldest int // where the oldest value is, once the ring is full
}

// add appends a value, in the place of the oldest one where the ring is full. The limit must be above zero.
func (r *ring[T]) add(value T) {
	if len(r.values) < r.limit {
		r.values = append(r.values, value)
		return
	}
	r.values[r.oldest] = value
	r.oldest = (r.oldest + 1) % r.limit
}

// all returns the values, oldest first. The ring must not be used after it.
func (r *ring[T]) all() []T {
	if r.oldest == 0 {
		return r.values
	}
	return append(r.values[r.oldest:len(r.values):len(r.values)], r.values[:r.oldest]...)
}
