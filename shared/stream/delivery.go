package stream

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/shared/notification"
)

// Delivery is an event handed to one worker of a group. It is settled by exactly one of Done and Retry; until
// then, and while KeepAlive is called in time, its queue stands still.
type Delivery struct {
	notification.Event
	// Due says that the event was parked, or is handed over again. It is not in its place in the lane any more.
	Due bool

	message jetstream.Msg
	queue   *Queue
	place   uint64 // in what the consumer delivered
}

// Done says that the group is finished with the event.
func (d *Delivery) Done() error {
	if err := d.message.Ack(); err != nil {
		return fmt.Errorf("acknowledge event %d: %w", d.Sequence, err)
	}
	return nil
}

// Retry asks for the event again after the delay.
func (d *Delivery) Retry(delay time.Duration) error {
	if err := d.message.NakWithDelay(delay); err != nil {
		return fmt.Errorf("ask again for event %d: %w", d.Sequence, err)
	}
	return nil
}

// Park sets the event aside for its group until a time; it still has to be settled. The same attempt is parked once.
// What is due has its room already: were it refused by a full stream, nothing that waits there could leave any more,
// and so there would never be room again. Errors as Streams.Park.
func (d *Delivery) Park(ctx context.Context, until time.Time) error {
	s := d.queue.streams
	if !d.Due {
		if err := s.retryRoom.check(ctx, s); err != nil {
			return fmt.Errorf("park event %d for group %q: %w", d.Sequence, d.queue.group, err)
		}
	}
	return s.park(ctx, d.queue.group, d.queue.born, &d.Event, until)
}

// Bury keeps a dead letter of the event; the event still has to be settled. The same letter is stored once. Errors as
// PublishNotification.
func (d *Delivery) Bury(ctx context.Context, letter *notification.DeadLetter) error {
	message := deadLetterMessage(letter)
	// A group that was removed and made anew has letters of its own, also where those before it were dropped.
	id := first(message.Header, nats.MsgIdHdr) + "/" + strconv.FormatInt(d.queue.born.UnixMicro(), 36)
	header(message.Header).set(nats.MsgIdHdr, id)
	if _, err := d.queue.streams.publishSingle(ctx, message); err != nil {
		return fmt.Errorf("bury event %d of group %q: %w", d.Sequence, d.queue.group, err)
	}
	return nil
}

// KeepAlive says that the worker is still busy with the event.
func (d *Delivery) KeepAlive() error {
	if err := d.message.InProgress(); err != nil {
		return fmt.Errorf("keep event %d: %w", d.Sequence, err)
	}
	return nil
}

// Stale asks the server whether the event was handed to somebody else in the meantime. It tells so only for queues
// that hand out one event at a time. After a reset or a crash of the server the count of what was handed out may be lower
// than it was; the event comes again then.
func (d *Delivery) Stale(ctx context.Context) (bool, error) {
	info, err := d.queue.consumer.Info(ctx)
	if err != nil {
		return false, fmt.Errorf("look after event %d: %w", d.Sequence, err)
	}
	return info.Delivered.Consumer != d.place || info.NumAckPending == 0, nil
}

func (q *Queue) read(message jetstream.Msg) (*Delivery, error) {
	metadata, err := message.Metadata()
	if err != nil {
		return nil, fmt.Errorf("read metadata of an event: %w", err)
	}
	d := &Delivery{Due: q.due, message: message, queue: q, place: metadata.Sequence.Consumer}
	if q.due {
		d.Event = readRetry(message.Headers(), message.Data(), metadata.Sequence.Stream).Event
		d.Attempt++
		return d, nil
	}
	d.Event = readEvent(message.Subject(), message.Headers(), message.Data(), metadata.Sequence.Stream)
	d.Attempt = int(metadata.NumDelivered) //nolint:gosec // A count of tries.
	return d, nil
}
