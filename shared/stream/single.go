package stream

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
)

// get reads one message of a stream. Errors: gone where there is none with the sequence, ErrUnavailable.
func (s *Streams) get(ctx context.Context, name string, sequence uint64, gone error) (*jetstream.RawStreamMsg, error) {
	opened, err := s.js.Stream(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("open stream %s: %w", name, classify(err))
	}
	message, err := opened.GetMsg(ctx, sequence)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil, gone
	}
	if err != nil {
		return nil, fmt.Errorf("read message %d of stream %s: %w", sequence, name, classify(err))
	}
	return message, nil
}

// remove deletes a message. One that is gone already is no error.
func (s *Streams) remove(ctx context.Context, name string, sequence uint64) error {
	opened, err := s.js.Stream(ctx, name)
	if err != nil {
		return fmt.Errorf("open stream %s: %w", name, classify(err))
	}
	failure := opened.DeleteMsg(ctx, sequence)
	if failure == nil {
		return nil
	}
	if _, err := opened.GetMsg(ctx, sequence); errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil
	}
	return fmt.Errorf("remove message %d of stream %s: %w", sequence, name, classify(failure))
}
