package stream

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	// restorePause is how often at most it is looked whether the streams are still there.
	restorePause   = time.Second
	restoreTimeout = 10 * time.Second
)

// restoring keeps many callers from looking at the same time.
type restoring struct {
	mutex sync.Mutex
	last  time.Time
}

// Restore makes the streams anew when the server came back without them, as it does with an empty disk. What they
// held is gone, so that is logged as an error. Streams that are there stay as they are, and unmanaged ones are left to
// those who manage them.
func (s *Streams) Restore(ctx context.Context) error {
	if s.settings.Unmanaged {
		return nil
	}
	s.restoring.mutex.Lock()
	defer s.restoring.mutex.Unlock()
	if time.Since(s.restoring.last) < restorePause {
		return nil
	}
	defer func() { s.restoring.last = time.Now() }()
	for _, config := range s.settings.configs() {
		_, err := s.js.Stream(ctx, config.Name)
		if !errors.Is(err, jetstream.ErrStreamNotFound) {
			if err != nil {
				return err
			}
			continue
		}
		if err := s.create(ctx, config); err != nil && !errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
			return err
		}
		s.log.Error("stream was missing and was made anew: what it held is lost", "stream", config.Name)
	}
	return nil
}

// restoreAfter looks after the streams when an error says that nobody serves their subjects.
func (s *Streams) restoreAfter(err error) {
	if !errors.Is(err, nats.ErrNoResponders) && !errors.Is(err, jetstream.ErrNoStreamResponse) {
		return
	}
	if !s.restoring.mutex.TryLock() {
		return // Somebody is at it.
	}
	due := time.Since(s.restoring.last) >= restorePause
	s.restoring.mutex.Unlock()
	if !due {
		return
	}
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), restoreTimeout)
		defer cancel()
		if err := s.Restore(ctx); err != nil {
			s.log.Debug("streams not restored", "error", err)
		}
	}()
}
