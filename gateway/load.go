package gateway

import (
	"fmt"

	"golang.org/x/sync/semaphore"

	"sluice.internal/shared/stream"
)

const (
	// mostLoad is the most memory, in bytes, that bodies of requests under way may take together. Beyond it requests
	// are refused at once: the sender keeps them, and this process keeps working.
	mostLoad = 128 << 20
	// leastWeight is what a request counts at least. It bounds how many are under way.
	leastWeight = 16 << 10
)

// load is what requests under way take.
type load struct{ room *semaphore.Weighted }

func newLoad(bodyLimit int64) load {
	return load{semaphore.NewWeighted(max(mostLoad, 2*bodyLimit))}
}

// take reserves memory for the visit's body: as much as the client says it has, or as it may have.
func (l load) take(v *visit, bodyLimit int64) (giveBack func(), err error) {
	weight := v.request.ContentLength
	if weight < 0 || weight > bodyLimit || v.request.Header.Get("Content-Encoding") != "" {
		weight = bodyLimit
	}
	weight = max(weight, leastWeight)
	if !l.room.TryAcquire(weight) {
		return nil, fmt.Errorf("%w: bodies of requests under way take %d MiB", stream.ErrBusy, mostLoad>>20)
	}
	return func() { l.room.Release(weight) }, nil
}
