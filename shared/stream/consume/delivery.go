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

// keepMessage says that a worker is still busy. Source: NATS ADR-15.
const keepMessage = "+WPI"

// Delivery is an event handed to one worker of a group. It is settled by exactly one of Done and Retry; until then, and while
// Partition.Renew is called in time, nobody else gets it.
type Delivery struct {
	notification.Event
	// Due says that the event was parked, or is handed over again. It is not in its place any more.
	Due bool
	// Settled says that the group was done with the event before this version took its consumers over. It is not to be
	// handled.
	Settled bool

	message     *nats.Msg
	partition   *Partition
	deliverySeq uint64 // in what the consumer delivered
	streamSeq   uint64 // in the stream that the partition is of
	handedOut   uint64 // how often, with this time
}

// Place counts what the consumer delivered, from 1 without gaps.
func (d *Delivery) Place() uint64 { return d.deliverySeq }

// StreamSequence is the place in the partition's stream. For what is due that is another one than the event's own.
func (d *Delivery) StreamSequence() uint64 { return d.streamSeq }

// HandedOut is how often the event was handed out, with this time.
func (d *Delivery) HandedOut() uint64 { return d.handedOut }

// Done says that the group is finished with the event.
func (d *Delivery) Done() error {
	if err := d.answer([]byte(ackMessage)); err != nil {
		return fmt.Errorf("acknowledge event %d: %w", d.Sequence, err)
	}
	return nil
}

// Retry asks for the event again after the delay.
func (d *Delivery) Retry(delay time.Duration) error {
	answer := []byte("-NAK")
	if delay > 0 {
		answer = fmt.Appendf(answer, ` {"delay": %d}`, delay.Nanoseconds())
	}
	if err := d.answer(answer); err != nil {
		return fmt.Errorf("ask again for event %d: %w", d.Sequence, err)
	}
	return nil
}

// Park sets the event aside for its group until a time; it still has to be settled. The same attempt is parked once.
// What is due has its capacity already: were it refused by a full stream, nothing that waits there could leave any more,
// and so there would never be capacity again. Errors as Client.Park.
func (d *Delivery) Park(ctx context.Context, until time.Time) error {
	s := d.partition.streams
	if !d.Due {
		if err := s.core.CheckRetryQuota(ctx); err != nil {
			return fmt.Errorf("park event %d for group %q: %w", d.Sequence, d.partition.group.settings.Name, err)
		}
	}
	return s.park(ctx, d.partition.group.settings.Name, d.partition.born, &d.Event, until)
}

// Bury keeps a dead letter of the event; the event still has to be settled. The same letter is stored once. Errors as
// PublishNotification.
func (d *Delivery) Bury(ctx context.Context, letter *notification.DeadLetter) error {
	message := wire.DeadLetterMessage(letter)
	// A group that was removed and made anew has dead letters of its own, also where those before it were dropped.
	wire.SetMessageID(message, wire.MessageID(message)+"/"+strconv.FormatInt(d.partition.born.UnixMicro(), 36))
	if _, err := d.partition.streams.core.Store(ctx, message); err != nil {
		return fmt.Errorf("bury event %d of group %q: %w", d.Sequence, d.partition.group.settings.Name, err)
	}
	return nil
}

// answer tells the server about the event. Source: NATS ADR-15.
func (d *Delivery) answer(text []byte) error {
	return d.partition.streams.js.Conn().Publish(d.message.Reply, text)
}

// DropBody lets go of the body, so that an event that waits takes no memory. LoadBody gets it back.
func (d *Delivery) DropBody() { d.Body, d.message.Data = nil, nil }

// ErrErased says that an event is not in its stream any more.
var ErrErased = errors.New("the event was erased")

// LoadBody reads the body from where the event is stored. Errors: ErrErased, stream.ErrUnavailable.
func (d *Delivery) LoadBody(ctx context.Context) error {
	core, name := d.partition.streams.core, d.partition.plan.stream
	message, err := stream.RetryUntilLeader(ctx, core, func(ctx context.Context) (*jetstream.RawStreamMsg, error) {
		opened, err := d.partition.streams.js.Stream(ctx, name)
		if err != nil {
			return nil, err
		}
		return opened.GetMsg(ctx, d.streamSeq)
	})
	if errors.Is(err, jetstream.ErrMsgNotFound) { // Any server that has a copy answers, and may be behind.
		message, err = core.AtLeader(ctx, name, stream.Lookup{Sequence: d.streamSeq})
	}
	switch {
	case errors.Is(err, jetstream.ErrMsgNotFound):
		return fmt.Errorf("read event %d again: %w", d.Sequence, ErrErased)
	case err != nil:
		return fmt.Errorf("read event %d again: %w", d.Sequence, stream.Classify(err))
	}
	d.Body = message.Data
	return nil
}

func (p *Partition) read(message *nats.Msg) (*Delivery, error) {
	metadata, err := message.Metadata()
	if err != nil {
		return nil, fmt.Errorf("read metadata of an event: %w", err)
	}
	d := &Delivery{
		Due: p.Due(), message: message, partition: p, deliverySeq: metadata.Sequence.Consumer, streamSeq: metadata.Sequence.Stream,
		handedOut: metadata.NumDelivered,
	}
	if p.Due() {
		d.Event = wire.ReadRetry(message.Header, message.Data, metadata.Sequence.Stream).Event
		d.Attempt++
		return d, nil
	}
	d.Event = wire.ReadEvent(message.Subject, message.Header, message.Data, metadata.Sequence.Stream)
	d.Attempt = 1
	return d, nil
}
