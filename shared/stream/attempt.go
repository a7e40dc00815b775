package stream

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"
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
			return nil, classify(err)
		}
		unknown = unknown || mayBeStored(err)
		select {
		case <-ctx.Done():
			return nil, ended(ctx, err, unknown)
		case <-time.After(pause):
		}
	}
}

// ended is the error of a call whose time is over.
func ended(ctx context.Context, err error, unknown bool) error {
	if unknown {
		return classify(errors.Join(ErrUnknown, context.Cause(ctx), err))
	}
	return classify(errors.Join(ErrUnavailable, context.Cause(ctx), err))
}

// publishOnce publishes a message and waits for its acknowledgement a little.
func (s *Streams) publishOnce(ctx context.Context, message *nats.Msg) (*jetstream.PubAck, error) {
	ack, err := within(ctx, s.link, func(ctx context.Context) (*jetstream.PubAck, error) {
		return s.js.PublishMsg(ctx, message, jetstream.WithRetryAttempts(0))
	})
	if err != nil {
		s.restoreAfter(err) //nolint:contextcheck // It outlives the call that noticed.
	}
	return ack, err
}

// publishBatch stores all messages or none. After an error the messages may be published again.
func (s *Streams) publishBatch(ctx context.Context, messages []*nats.Msg) ([]*jetstream.PubAck, error) {
	if len(messages) < 2 {
		return nil, errTooFew
	}
	ack, err := within(ctx, s.link, func(ctx context.Context) (*jetstreamext.BatchAck, error) {
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
