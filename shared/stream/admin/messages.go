package admin

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/shared/stream"
)

// AtLeader returns a message of a stream as its leader has it, see stream.Client.
func (s *Client) AtLeader(ctx context.Context, name string, wanted stream.Lookup) (*jetstream.RawStreamMsg, error) {
	return s.core.AtLeader(ctx, name, wanted)
}

// get reads one message of a stream. Errors: gone where there is none with the sequence, ErrUnavailable.
func (s *Client) get(ctx context.Context, name string, sequence uint64, gone error) (*jetstream.RawStreamMsg, error) {
	message, err := s.core.AtLeader(ctx, name, stream.Lookup{Sequence: sequence})
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil, gone
	}
	if err != nil {
		return nil, fmt.Errorf("read message %d of stream %s: %w", sequence, name, stream.Classify(err))
	}
	return message, nil
}

// remove deletes a message. One that is gone already is no error, so that what a crash cut short can be done again. The
// server's own error for it is not enough to tell: an answer that was lost looks like any failure, so the message is looked
// for.
func (s *Client) remove(ctx context.Context, name string, sequence uint64) error {
	opened, err := s.core.Stream(ctx, name)
	if err != nil {
		return err
	}
	failure := stream.Repeat(ctx, s.core, func(ctx context.Context) error { return opened.DeleteMsg(ctx, sequence) })
	if failure == nil {
		return nil
	}
	if _, err := s.core.AtLeader(ctx, name, stream.Lookup{Sequence: sequence}); errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil
	}
	return fmt.Errorf("remove message %d of stream %s: %w", sequence, name, stream.Classify(failure))
}
