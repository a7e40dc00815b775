package stream

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/shared/notification"
)

const (
	// fetchTime is how long one request for notifications stays open. It is renewed well within pinTime.
	fetchTime = 2 * time.Second
	// pinTime is how long a worker that stopped asking keeps its shard: the longest pause when one is killed.
	pinTime = 6 * time.Second
	// intakeAckWait is how long a worker may take for a batch before its notifications are handed out again.
	intakeAckWait = 30 * time.Second
	// pinHeader names the worker that a consumer has chosen. Source: NATS ADR-42.
	pinHeader = "Nats-Pin-Id"
)

// Received is a raw notification handed to a worker. It comes again until it is acknowledged.
type Received struct {
	notification.Notification
	message jetstream.Msg
}

// Ack says that the notification became an event or a dead letter, or was a duplicate. The acknowledgement may
// be lost in a crash; then the notification comes again and is a duplicate.
func (r *Received) Ack() error {
	if err := r.message.Ack(); err != nil {
		return fmt.Errorf("acknowledge notification %d: %w", r.Sequence, err)
	}
	return nil
}

// Intake hands out the notifications of one shard in order, to one worker of all at a time. It is not safe for
// concurrent use.
type Intake struct {
	streams  *Streams
	consumer jetstream.Consumer
	shard    int
	pin      string
	place    uint64 // of the last message in what the consumer delivered since it was reset
	fetch    *fetch // the request under way, nil between two
}

type fetch struct {
	messages <-chan jetstream.Msg
	failure  func() error
	cancel   context.CancelFunc
}

func intakeName(shard int) string { return "intake-" + strconv.Itoa(shard) }

// Intake opens the consumer of a shard, and makes it when it is not there.
func (s *Streams) Intake(ctx context.Context, shard int) (*Intake, error) {
	consumer, err := s.openConsumer(ctx, Notifications, jetstream.ConsumerConfig{
		Durable:        intakeName(shard),
		Description:    "takes in shard " + strconv.Itoa(shard),
		FilterSubject:  "in." + strconv.Itoa(shard) + ".>",
		DeliverPolicy:  jetstream.DeliverAllPolicy,
		AckPolicy:      jetstream.AckExplicitPolicy,
		AckWait:        intakeAckWait,
		MaxAckPending:  4 * MaxBatch,
		MaxDeliver:     -1,
		PriorityPolicy: jetstream.PriorityPolicyPinned,
		PriorityGroups: []string{intakeGroup},
		PinnedTTL:      pinTime,
	})
	if err != nil {
		return nil, fmt.Errorf("open consumer %s: %w", intakeName(shard), err)
	}
	return &Intake{streams: s, consumer: consumer, shard: shard}, nil
}

// Next waits for notifications and returns those that are there, one to MaxBatch, in the order of the shard.
// When another worker has the shard it waits too. It returns the context's error when that ends; any other
// error means that the consumer has to be opened again.
func (in *Intake) Next(ctx context.Context) ([]Received, error) {
	for {
		if in.fetch == nil {
			if err := in.ask(ctx); err != nil {
				return nil, err
			}
		}
		if in.pin == "" {
			if err := in.claim(ctx); err != nil {
				return nil, err
			}
			continue
		}
		batch, err := in.collect(ctx)
		if err != nil || len(batch) > 0 {
			return batch, err
		}
	}
}

// replicatedBatch is how many messages are asked for on several replicas, where bytes can't bound a request.
const replicatedBatch = 64

// ask sends a request for as many messages as make a batch, bounded so that large bodies do not fill the memory.
// Who is not chosen yet asks for one message, so that nothing more is on its way when the consumer is reset.
//
// On one replica bytes bound it, above the largest message, or the consumer would stall before one. On several
// the server says that such a request is complete before its last messages have come, since these wait for the
// other replicas, and the client believes it; so there their number is the bound.
func (in *Intake) ask(ctx context.Context) error {
	fetchCtx, cancel := context.WithTimeout(ctx, fetchTime)
	options := []jetstream.FetchOpt{jetstream.FetchContext(fetchCtx), jetstream.FetchPriorityGroup(intakeGroup)}
	count := 1
	switch {
	case in.pin == "":
	case in.streams.settings.Replicas > 1:
		count = replicatedBatch
	default:
		count = MaxBatch
		options = append(options, jetstream.FetchMaxBytes(int(2*in.streams.js.Conn().MaxPayload())))
	}
	messages, err := in.consumer.Fetch(count, options...)
	if err != nil {
		cancel()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("fetch shard %d: %w", in.shard, err)
	}
	in.fetch = &fetch{messages: messages.Messages(), failure: messages.Error, cancel: cancel}
	return nil
}

// collect waits for a first message and takes along what else has arrived. It returns nothing when the request
// ended without a message.
func (in *Intake) collect(ctx context.Context) ([]Received, error) {
	var batch []Received
	for len(batch) < MaxBatch {
		message, open := in.receive(ctx, len(batch) == 0)
		if message == nil {
			if open {
				break
			}
			if err := in.finish(ctx); err != nil || len(batch) > 0 || in.pin == "" {
				return batch, err
			}
			return nil, in.again(ctx)
		}
		received, place, err := in.read(message)
		if err != nil {
			return nil, err
		}
		if place != in.place+1 {
			return nil, in.resume(ctx)
		}
		in.place = place
		batch = append(batch, received)
	}
	return batch, nil
}

// receive returns the next message; nil and true when none is there and it should not wait, nil and false when
// the request has ended.
func (in *Intake) receive(ctx context.Context, wait bool) (message jetstream.Msg, open bool) {
	if wait {
		select {
		case message, open = <-in.fetch.messages:
		case <-ctx.Done():
		}
		return message, open
	}
	select {
	case message, open = <-in.fetch.messages:
		return message, open
	default:
		return nil, true
	}
}

// finish ends the request under way and tells whether it failed.
func (in *Intake) finish(ctx context.Context) error {
	failure := in.fetch.failure()
	in.fetch.cancel()
	in.fetch = nil
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(failure, jetstream.ErrPinIDMismatch): // Another worker was chosen in between.
		in.pin = ""
		return nil
	case failure == nil, errors.Is(failure, context.DeadlineExceeded):
		return nil
	default:
		return fmt.Errorf("fetch shard %d: %w", in.shard, failure)
	}
}

func (in *Intake) read(message jetstream.Msg) (received Received, place uint64, err error) {
	metadata, err := message.Metadata()
	if err != nil {
		return Received{}, 0, fmt.Errorf("read metadata of a notification: %w", err)
	}
	return Received{
		Notification: readNotification(message.Headers(), message.Data(), metadata.Sequence.Stream),
		message:      message,
	}, metadata.Sequence.Consumer, nil
}
