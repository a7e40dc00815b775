package stream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// awaitPause is how long it takes at most to notice that a stream was made.
const awaitPause = 500 * time.Millisecond

// await waits until all streams are there, and takes from them on how many servers they are kept.
func (s *Streams) await(ctx context.Context) error {
	for _, config := range s.settings.configs() {
		opened, err := s.awaitOne(ctx, config.Name)
		if err != nil {
			return fmt.Errorf("open stream %s: %w", config.Name, err)
		}
		s.settings.Replicas = opened.CachedInfo().Config.Replicas
	}
	return nil
}

func (s *Streams) awaitOne(ctx context.Context, name string) (jetstream.Stream, error) {
	opened, err := s.js.Stream(ctx, name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		s.log.Info("waiting for a stream, which another process has to make", "stream", name)
	}
	for errors.Is(err, jetstream.ErrStreamNotFound) {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(awaitPause):
		}
		opened, err = s.js.Stream(ctx, name)
	}
	return opened, err
}
