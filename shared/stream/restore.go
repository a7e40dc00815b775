package stream

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	// restorePause is the shortest time between two looks at whether the streams are still there.
	restorePause   = time.Second
	restoreTimeout = 10 * time.Second
)

// Restore makes the streams anew when the server came back without them, as it does with an empty disk. What they
// held is gone, so that is logged as an error. Streams that are there stay as they are, and where another process manages them they are left to
// those who manage them. One look at a time serves all callers; one whose context ends does not wait for it.
func (s *Client) Restore(ctx context.Context) error {
	if !s.configured.Manage {
		return nil
	}
	_, err := s.restoring.do(ctx, s.restore)
	return err
}

// restoreAfter looks after the streams when an error says that nobody serves their subjects. It does not wait.
func (s *Client) restoreAfter(ctx context.Context, err error) {
	if !s.configured.Manage || !errors.Is(err, nats.ErrNoResponders) && !errors.Is(err, jetstream.ErrNoStreamResponse) {
		return
	}
	s.restoring.begin(ctx, s.restore)
}

func (s *Client) restore(ctx context.Context) (struct{}, error) {
	err := s.makeMissing(ctx)
	if err != nil {
		s.log.Debug("streams not restored", "error", err)
	}
	return struct{}{}, err
}

// makeMissing makes the streams that the server does not have.
func (s *Client) makeMissing(ctx context.Context) error {
	for _, config := range s.configs() {
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
