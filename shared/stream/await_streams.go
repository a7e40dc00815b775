package stream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/shared/service"
)

// awaitPause is how long it takes at most to notice that a stream was made.
const awaitPause = 500 * time.Millisecond

// await waits until the streams that this process works with are there, and takes from NOTIFICATIONS on how many servers
// streams are kept.
func (s *Client) await(ctx context.Context) error {
	for _, name := range s.awaited() {
		opened, err := s.awaitOne(ctx, name)
		if err != nil {
			return fmt.Errorf("open stream %s: %w", name, err)
		}
		if name == Notifications {
			s.replicas = opened.CachedInfo().Config.Replicas
		}
	}
	return nil
}

// awaited are the names of the streams to wait for. NOTIFICATIONS is made after the small ones, so when it is there a
// publisher has all that it publishes to.
func (s *Client) awaited() (names []string) {
	if s.publishOnly {
		return []string{Notifications}
	}
	for _, config := range s.configs() {
		names = append(names, config.Name)
	}
	return names
}

func (s *Client) awaitOne(ctx context.Context, name string) (jetstream.Stream, error) {
	opened, err := s.js.Stream(ctx, name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		s.log.Info("waiting for a stream, which another process has to make", "stream", name)
	}
	for errors.Is(err, jetstream.ErrStreamNotFound) {
		if service.Sleep(ctx, awaitPause) != nil {
			return nil, ctx.Err()
		}
		opened, err = s.js.Stream(ctx, name)
	}
	return opened, err
}
