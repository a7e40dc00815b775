package stream

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// retryRoom keeps the bound of the stream of retries, which the server can't keep without discarding something. What
// all workers park between two looks goes beyond it.
type retryRoom struct {
	mutex  sync.Mutex
	looked time.Time
	bound  int64
	full   bool
}

// roomLook is how often at most it is looked how full the stream is.
const roomLook = time.Second

// check returns ErrFull when there is no room for more.
func (r *retryRoom) check(ctx context.Context, s *Streams) error {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if time.Since(r.looked) > roomLook {
		opened, err := s.js.Stream(ctx, Retries)
		if err != nil {
			return fmt.Errorf("look at stream %s: %w", Retries, classify(err))
		}
		r.bound = retriesBound(opened.CachedInfo().Config)
		r.full = opened.CachedInfo().State.Bytes >= uint64(r.bound) //nolint:gosec // Not negative.
		r.looked = time.Now()
	}
	if r.full {
		return fmt.Errorf("%w: stream %s has its %d bytes", ErrFull, Retries, r.bound)
	}
	return nil
}

// retriesBound is the most that the stream of retries may hold. It is written in the stream, so that everybody has
// the same, also those who know no configuration.
func retriesBound(config jetstream.StreamConfig) int64 {
	if bound, err := strconv.ParseInt(config.Metadata[metadataMaxBytes], 10, 64); err == nil && bound > 0 {
		return bound
	}
	return retriesRoom
}
