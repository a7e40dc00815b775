package stream

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"sluice.internal/shared/service"
	"sluice.internal/shared/stream/internal/groupcommit"
)

// publishUntil calls once until it succeeds, fails for good, or the context ends. Unknown says that the message may be
// stored already, by a try before.
func publishUntil(
	ctx context.Context, once func(context.Context, *nats.Msg) (*jetstream.PubAck, error), message *nats.Msg, unknown bool,
) (*jetstream.PubAck, error) {
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		if ctx.Err() != nil {
			return nil, ended(ctx, context.Cause(ctx), unknown)
		}
		ack, err := once(ctx, message)
		if err == nil {
			return ack, nil
		}
		if !transient(err) {
			return nil, Classify(err)
		}
		unknown = unknown || mayBeStored(err)
		if service.Sleep(ctx, pause) != nil {
			return nil, ended(ctx, err, unknown)
		}
	}
}

// ended is the error of a call whose context ended. Only a deadline means that the store did not answer in time: a
// caller that cancelled did not wait for it.
func ended(ctx context.Context, err error, unknown bool) error {
	if unknown {
		err = errors.Join(ErrUnknown, context.Cause(ctx), err)
	} else {
		err = errors.Join(context.Cause(ctx), err)
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return Classify(err)
}

// newGroupCommit makes a publisher of many callers' messages that writes with these functions.
func newGroupCommit(
	one func(context.Context, *nats.Msg) (*jetstream.PubAck, error),
	all func(context.Context, []*nats.Msg) ([]*jetstream.PubAck, error),
	costs *groupcommit.Costs,
) *groupcommit.Publisher[*nats.Msg, *jetstream.PubAck] {
	return groupcommit.New(groupcommit.Store[*nats.Msg, *jetstream.PubAck]{
		Write: one, WriteBatch: all, Repeat: publishUntil, MayBeStored: mayBeStored,
		Ended: func(ctx context.Context, unknown bool) error { return ended(ctx, context.Cause(ctx), unknown) },
		Size:  func(message *nats.Msg) int { return len(message.Data) },
	}, costs)
}

// newCosts returns what batches and single writes cost on so many replicas. On several the server itself shares syncs
// between messages, and batches are not used.
func newCosts(replicas int) *groupcommit.Costs {
	if replicas > 1 {
		return groupcommit.SinglesOnly()
	}
	return groupcommit.NewCosts()
}

// publishOnce publishes a message and waits for its acknowledgement a little.
func (s *Client) publishOnce(ctx context.Context, message *nats.Msg) (*jetstream.PubAck, error) {
	ack, err := UntilDisconnect(ctx, s, func(ctx context.Context) (*jetstream.PubAck, error) {
		return s.js.PublishMsg(ctx, message, jetstream.WithRetryAttempts(0))
	})
	if err != nil {
		s.restoreAfter(ctx, err)
	}
	return ack, err
}

// StoreBatch stores all messages or none. After an error the messages may be published again.
func (s *Client) StoreBatch(ctx context.Context, messages []*nats.Msg) ([]*jetstream.PubAck, error) {
	if len(messages) < 2 {
		return nil, errTooFew
	}
	ack, err := UntilDisconnect(ctx, s, func(ctx context.Context) (*jetstreamext.BatchAck, error) {
		return jetstreamext.PublishMsgBatch(ctx, s.js, messages, jetstreamext.BatchFlowControl{AckTimeout: attemptTimeout})
	})
	if err != nil {
		unbatch(messages)
		return nil, err
	}
	acks := make([]*jetstream.PubAck, len(messages))
	for i := range acks {
		// All or none are stored, one behind the other; the acknowledgement has the place of the last.
		acks[i] = &jetstream.PubAck{Stream: ack.Stream, Sequence: ack.Sequence - uint64(len(messages)-1-i)} //nolint:gosec // Not negative.
	}
	return acks, nil
}

var errTooFew = errors.New("one message is no batch")

// unbatch takes off the headers that would make the server wait for the rest of a batch.
func unbatch(messages []*nats.Msg) {
	for _, message := range messages {
		delete(message.Header, jetstreamext.BatchIDHeader)
		delete(message.Header, jetstreamext.BatchSeqHeader)
		delete(message.Header, jetstreamext.BatchCommitHeader)
		message.Reply = ""
	}
}
