package consume

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/internal/wire"
)

const (
	// fetchTime is how long one request for notifications stays open. It is renewed well within pinTime.
	fetchTime = 2 * time.Second
	// pinTime is how long a worker that stopped asking keeps its shard: the longest pause when one is killed.
	pinTime = 6 * time.Second
	// intakeAckWait is how long a worker may take for a batch before its notifications are handed out again.
	intakeAckWait = 30 * time.Second
	// maxBatchBytes bounds the messages of a batch. Each shard may have one such batch in memory.
	maxBatchBytes = 16 << 20
	// pinHeader names the worker that a consumer has chosen. Source: NATS ADR-42.
	pinHeader = "Nats-Pin-Id"
)

// ackMessage acknowledges a message. Source: NATS ADR-15.
const ackMessage = "+ACK"

// Received is a raw notification handed to a worker. It comes again until it is acknowledged.
type Received struct {
	notification.Notification
	conn    *nats.Conn
	message *nats.Msg
	suspect *Suspect
}

// Ack says that the notification became an event or a dead letter, or was a duplicate. The acknowledgement may
// be lost in a crash; then the notification comes again and is a duplicate.
func (r *Received) Ack() error {
	// By hand, since the client of NATS takes no acknowledgement of a message whose request has ended.
	if err := r.conn.Publish(r.message.Reply, []byte(ackMessage)); err != nil {
		return fmt.Errorf("acknowledge notification %d: %w", r.Sequence, err)
	}
	return nil
}

// Intake hands out the notifications of one shard in order, to one worker of all at a time. It is not safe for
// concurrent use.
type Intake struct {
	streams     *Client
	consumer    jetstream.Consumer
	shard       int
	pin         string
	deliverySeq uint64 // of the last message in what the consumer delivered since it was reset
	fetch       *pull  // the request under way, nil between two
	// unbounded says that the next request is for one message of whatever size.
	unbounded bool
	suspicion suspicion
	// former is up to which sequence notifications keep the identity of version 1.
	former uint64
	// crossed says that the shard is past these.
	crossed bool
	latest  uint64 // the last sequence that was handed on, 0 at first
}

// Intake opens the consumer of a shard, and makes it when it is not there. It refuses where the stream of events has keys of
// another version than this program makes.
func (s *Client) Intake(ctx context.Context, shard int) (*Intake, error) {
	if err := s.core.CheckKeys(ctx); err != nil {
		return nil, err
	}
	consumer, err := s.openIntake(ctx, shard)
	if err != nil {
		return nil, fmt.Errorf("open consumer %s: %w", wire.IntakeName(shard), err)
	}
	in := &Intake{streams: s, consumer: consumer, shard: shard, former: stream.FormerUntil(consumer.CachedInfo())}
	// A consumer that took over, or acknowledged what is former and nothing more, has its floor at the last of those.
	in.crossed = in.former == 0 || consumer.CachedInfo().AckFloor.Stream > in.former
	return in, nil
}

// Crossing returns how many notifications of a batch are former, where the others are the first of the shard that are not.
// Whoever takes these in has to see to it that the order holds, and says so with Cross.
func (in *Intake) Crossing(batch []Received) (former int, crosses bool) {
	if in.crossed {
		return 0, false
	}
	for former < len(batch) && batch[former].Former {
		former++
	}
	return former, former < len(batch)
}

// Cross says that the shard has gone over to the keys of the present version.
func (in *Intake) Cross() { in.crossed = true }

// Again has everything handed out again that is not acknowledged.
func (in *Intake) Again(ctx context.Context) error { return in.restart(ctx) }

func intakeConfig(shard int) jetstream.ConsumerConfig {
	return jetstream.ConsumerConfig{
		Durable:        wire.IntakeName(shard),
		Description:    "takes in shard " + strconv.Itoa(shard),
		FilterSubject:  "in." + strconv.Itoa(shard) + ".>",
		DeliverPolicy:  jetstream.DeliverByStartSequencePolicy,
		AckPolicy:      jetstream.AckExplicitPolicy,
		AckWait:        intakeAckWait,
		MaxAckPending:  4 * MaxBatch,
		MaxDeliver:     -1,
		PriorityPolicy: jetstream.PriorityPolicyPinned,
		PriorityGroups: []string{wire.IntakeGroup},
		PinnedTTL:      pinTime,
	}
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
			if err := in.claimShard(ctx); err != nil {
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

// ask sends a request for as many messages as make a batch, bounded in bytes so that large bodies do not fill the memory.
// Who is not chosen yet asks for one message, so that nothing more is on its way when the consumer is reset; so does who
// looks at suspects.
//
// A message larger than the bound is asked for by itself, or the consumer would stall before it.
func (in *Intake) ask(ctx context.Context) error {
	request := pullRequest{Expires: fetchTime, Batch: 1, Group: wire.IntakeGroup, PinID: in.pin}
	if in.pin != "" && !in.unbounded && !in.suspicion.isOpen(in.latest) {
		request.Batch, request.MaxBytes = MaxBatch, min(maxBatchBytes, 2*in.streams.js.Conn().MaxPayload())
	}
	in.unbounded = false
	asked, err := newPull(ctx, in.streams.js, stream.Notifications, wire.IntakeName(in.shard), request)
	if err != nil {
		return fmt.Errorf("fetch shard %d: %w", in.shard, err)
	}
	in.fetch = asked
	return nil
}

// collect waits for a first message and takes along what else has arrived. It returns nothing when the request
// ended without a message.
func (in *Intake) collect(ctx context.Context) ([]Received, error) {
	var batch []Received
	for len(batch) < MaxBatch {
		message, open := in.fetch.next(ctx, len(batch) == 0)
		if message == nil {
			if open && ctx.Err() == nil {
				break
			}
			if err := in.finish(ctx); err != nil || len(batch) > 0 || in.pin == "" {
				return batch, err
			}
			return nil, in.redeliverPending(ctx)
		}
		received, place, err := in.read(message)
		if err != nil {
			return nil, err
		}
		if place != in.deliverySeq+1 {
			return nil, in.restart(ctx)
		}
		in.deliverySeq, in.latest = place, received.Sequence
		batch = append(batch, received)
		if in.fetch.received == in.fetch.count { // Nothing else comes.
			return batch, in.finish(ctx)
		}
	}
	return batch, nil
}

// finish ends the request under way and returns whether it failed.
func (in *Intake) finish(ctx context.Context) error {
	ended := in.fetch
	in.fetch = nil
	ended.close()
	in.unbounded = ended.tooLarge
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(ended.failure, jetstream.ErrPinIDMismatch): // Another worker was chosen in between.
		in.pin = ""
		return nil
	case ended.failure != nil:
		return fmt.Errorf("fetch shard %d: %w", in.shard, ended.failure)
	default:
		return nil
	}
}

func (in *Intake) read(message *nats.Msg) (received Received, place uint64, err error) {
	metadata, err := message.Metadata()
	if err != nil {
		return Received{}, 0, fmt.Errorf("read metadata of a notification: %w", err)
	}
	received = Received{
		Notification: wire.ReadNotification(message.Header, message.Data, metadata.Sequence.Stream),
		conn:         in.streams.js.Conn(), message: message,
	}
	received.Former = received.Sequence <= in.former
	if in.suspicion.covers(received.Sequence) {
		received.suspect = &Suspect{
			client: in.streams, subject: wire.SuspectNotification(received.Sequence), receivedAt: received.ReceivedAt,
		}
	}
	return received, metadata.Sequence.Consumer, nil
}
