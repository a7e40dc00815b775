package handling

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/consume"
	"sluice.internal/worker/keyed"
)

// closeTimeout bounds how long giving up a partition may take. When the server is gone there is nothing to give up.
const closeTimeout = 2 * time.Second

// broker hands out the deliveries of a partition.
type broker struct {
	runner    *Runner
	partition *consume.Partition
	opened    bool
	asides    map[string]stream.Aside // that are aside as was written last, by ID
}

// Ask asks the partition for events.
func (b *broker) Ask(ctx context.Context, request keyed.Request, each func(keyed.Delivery)) (keyed.Answer, error) {
	ask := consume.Ask{Pin: request.Pin, Count: request.Count, Wait: request.Wait}
	pin, err := b.partition.Ask(ctx, ask, func(d *consume.Delivery) { each(b.runner.newDelivery(d)) })
	return keyed.Answer{Pin: pin}, brokerError(err)
}

// HandedOut returns how many events of the partition are in somebody's hands.
func (b *broker) HandedOut(ctx context.Context) (count int, place uint64, err error) {
	count, place, err = b.partition.HandedOut(ctx)
	return count, place, brokerError(err)
}

// Renew says that the events are still being handled.
func (b *broker) Renew(ctx context.Context, deliveries []keyed.Delivery) error {
	events := make([]*consume.Delivery, len(deliveries))
	for i, d := range deliveries {
		events[i] = d.(*delivery).event //nolint:forcetypeassert // The broker makes no others.
	}
	return b.partition.Renew(ctx, events)
}

// GiveUp lets another worker become the partition's owner.
func (b *broker) GiveUp(ctx context.Context, pin string) error {
	ctx, cancel := context.WithTimeout(ctx, closeTimeout)
	defer cancel()
	return b.partition.GiveUp(ctx, pin)
}

// Open opens the partition's consumer. From the second time on the streams may be lost as well.
func (b *broker) Open(ctx context.Context) (anew bool, err error) {
	if b.opened {
		if err := b.runner.Streams.Restore(ctx); err != nil {
			b.runner.Log.Debug("streams not restored", "error", err)
		}
	} else if b.opened = true; b.partition.IsOpen() {
		return false, nil
	}
	return b.partition.Open(ctx)
}

// brokerError says what the engine decides by.
func brokerError(err error) error {
	switch {
	case errors.Is(err, consume.ErrNotOwner):
		return keyed.ErrNotOwner
	case errors.Is(err, consume.ErrConsumerLost):
		return fmt.Errorf("%w: %w", keyed.ErrLost, err)
	case errors.Is(err, stream.ErrOvertaken):
		return keyed.ErrOvertaken
	default:
		return err
	}
}

// delivery is an event in the hands of the engine.
type delivery struct {
	event *consume.Delivery
	body  *heldBody
	key   string
}

func (r *Runner) newDelivery(event *consume.Delivery) *delivery {
	return &delivery{event: event, body: r.holding.receive(event), key: keyOf(&event.Event)}
}

// keyOf names an event's chat.
func keyOf(event *notification.Event) string {
	return event.Source + "\x00" + event.Instance + "\x00" + event.OrderKey
}

// Key names the event's chat.
func (d *delivery) Key() string { return d.key }

// Sequence is the place in the partition's stream.
func (d *delivery) Sequence() uint64 { return d.event.StreamSequence() }

// Place counts what the consumer delivered.
func (d *delivery) Place() uint64 { return d.event.Place() }

// Again reports whether the event was handed out before.
func (d *delivery) Again() bool { return d.event.HandedOut() > 1 }

// Settled reports whether the group was done with the event before.
func (d *delivery) Settled() bool { return d.event.Settled }

// Where tells where the events of the chat are found again.
func (d *delivery) Where() string { return d.event.Where() }

// Ack lets go of the event.
func (d *delivery) Ack() error {
	d.body.forget() // It may not have been handled here.
	return d.event.Done()
}

// Return gives the event back.
func (d *delivery) Return(tell bool) error {
	d.body.forget()
	if !tell {
		return nil
	}
	return d.event.Retry(0)
}
