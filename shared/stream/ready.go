package stream

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// probeValid is how long the outcome of a probe is taken for the present: whoever asks often must not cause writes.
const probeValid = time.Second

// readiness remembers the last probe.
type readiness struct {
	mutex sync.Mutex
	at    time.Time
	err   error
}

// Ready says why nothing can be stored at the moment, or nil. It stores a message to find out: a server that is cut
// off from the others of its cluster still takes connections and calls itself healthy.
func (s *Streams) Ready(ctx context.Context) error {
	s.readiness.mutex.Lock()
	defer s.readiness.mutex.Unlock()
	if time.Since(s.readiness.at) < probeValid {
		return s.readiness.err
	}
	s.readiness.err = s.probe(ctx)
	s.readiness.at = time.Now()
	return s.readiness.err
}

func (s *Streams) probe(ctx context.Context) error {
	if !s.js.Conn().IsConnected() {
		return fmt.Errorf("%w: %w", ErrUnavailable, nats.ErrDisconnected)
	}
	if _, err := s.js.Publish(ctx, "probe."+Token(s.js.Conn().Opts.Name), nil, jetstream.WithRetryAttempts(0)); err != nil {
		return fmt.Errorf("store a probe: %w", classify(err))
	}
	if _, err := s.js.Stream(ctx, Notifications); err != nil {
		return fmt.Errorf("reach stream %s: %w", Notifications, err)
	}
	return nil
}
