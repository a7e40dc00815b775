package consume

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/internal/wire"
)

const (
	// AckWait is how long the server waits for a worker that gives no sign of life, before it hands an event to another
	// one.
	AckWait = 8 * time.Second
	// PartitionAsk is how long a request of a partition stays open. It is renewed well within pinTime.
	PartitionAsk = 1500 * time.Millisecond
	// MaxHeld is how many events of a partition its owner may hold.
	MaxHeld = ownedAckPending
	// maxRequestBytes bounds the messages of one request, so that large bodies do not fill the memory.
	maxRequestBytes = 4 << 20
	// minRequestBytes is what a request for nothing is bounded to: there is no such small message.
	minRequestBytes = 1
)

var (
	// ErrNotOwner says that another worker is the owner of a partition now.
	ErrNotOwner = errors.New("another worker is the owner")
	// ErrConsumerLost says that a consumer is not there any more: deleted, or with a server that came back without its
	// files.
	ErrConsumerLost = errors.New("the consumer is gone")
)

// Partition is one of a group's consumers. That of an ordered group has one worker as its owner, which the server chooses:
// whoever asks first without a pin, from the first message on. Only Renew, what is about asides and the settling of deliveries
// may be called while something else is under way.
type Partition struct {
	streams *Client
	group   *Group
	plan    plan

	consumer jetstream.Consumer // nil before it was opened
	born     time.Time          // of the group; tells it from one of the same name that was removed
	// done is up to where lanes were done when this consumer took over from theirs.
	done map[int]uint64
	// hasLanes says that there were consumers of an older version when the group was opened.
	hasLanes bool
	// unbounded says that the next request is for one message of whatever size.
	unbounded bool
}

// Due reports whether the partition has what was parked or is handed over again, instead of what is new.
func (p *Partition) Due() bool { return p.plan.due() }

// HasOwner reports whether one worker at a time has the partition, as in groups that keep order.
func (p *Partition) HasOwner() bool { return !p.group.settings.Unordered }

// IsOpen reports whether it was opened.
func (p *Partition) IsOpen() bool { return p.consumer != nil }

// Name is the consumer's.
func (p *Partition) Name() string { return p.plan.name }

// Ask is a request for events.
type Ask struct {
	// Pin names the owner, empty for whoever wants to become it, and in groups without order.
	Pin string
	// Count is how many events are asked for; 0 for none, by which an owner says that it is there.
	Count int
	// Wait is how long the request stays open.
	Wait time.Duration
}

// Ask hands events to each as they come, until there are as many as were asked for, the time is over or the context ends.
// It returns the pin that they came with. Errors: ErrNotOwner, ErrConsumerLost, and others when the server does not
// answer.
//
// Nothing but the delivery refers to an event's body, so that a delivery that lets go of it frees its memory.
func (p *Partition) Ask(ctx context.Context, ask Ask, each func(*Delivery)) (pin string, err error) {
	request := pullRequest{Batch: max(ask.Count, 1), Expires: ask.Wait, PinID: ask.Pin, Group: p.ownerGroup()}
	switch {
	case ask.Count == 0:
		request.MaxBytes = minRequestBytes
	case p.unbounded:
		request.Batch = 1
	default:
		request.MaxBytes = min(maxRequestBytes, 2*p.streams.js.Conn().MaxPayload())
	}
	asked, err := newPull(ctx, p.streams.js, p.plan.stream, p.plan.name, request)
	if err != nil {
		return "", fmt.Errorf("ask partition %q: %w", p.plan.name, err)
	}
	// After a fall of the connection nothing of the request comes.
	stop := context.AfterFunc(p.streams.core.Connected(), asked.cancel) //nolint:contextcheck // The connection's fall is no caller's.
	take := func(message *nats.Msg) error {
		pin = message.Header.Get(pinHeader)
		delivery, err := p.read(message)
		if err == nil {
			p.pass(delivery, each)
		}
		return err
	}
	for message, _ := asked.next(ctx, true); message != nil && err == nil; message, _ = asked.next(ctx, true) {
		err = take(message)
	}
	stop()
	for _, message := range asked.drain(ctx.Err() != nil) {
		err = errors.Join(err, take(message))
	}
	if ask.Count > 0 {
		p.unbounded = asked.tooLarge
	}
	if err == nil && asked.failure != nil {
		err = fmt.Errorf("ask partition %q: %w", p.plan.name, askFailure(asked.failure))
	}
	return pin, err
}

// askFailure tells what a caller decides by.
func askFailure(failure error) error {
	switch {
	case errors.Is(failure, jetstream.ErrPinIDMismatch):
		return ErrNotOwner
	case errors.Is(failure, jetstream.ErrConsumerDeleted), errors.Is(failure, jetstream.ErrConsumerNotFound),
		errors.Is(failure, jetstream.ErrBadRequest), errors.Is(failure, nats.ErrNoResponders):
		return fmt.Errorf("%w: %w", ErrConsumerLost, failure)
	default:
		return failure
	}
}

// pass hands a delivery on, and says where its lane was done with it before this consumer took over.
func (p *Partition) pass(d *Delivery, each func(*Delivery)) {
	if !p.Due() && d.Sequence <= p.done[d.Lane] {
		d.Settled = true
	}
	each(d)
}

// HandedOut returns how many events are handed out and not acknowledged, and the place of the last one that was ever handed
// out.
func (p *Partition) HandedOut(ctx context.Context) (count int, place uint64, err error) {
	info, err := p.info(ctx)
	if err != nil {
		return 0, 0, err
	}
	return info.NumAckPending, info.Delivered.Consumer, nil
}

func (p *Partition) info(ctx context.Context) (*jetstream.ConsumerInfo, error) {
	info, err := stream.UntilDisconnect(ctx, p.streams.core, p.consumer.Info)
	if err != nil {
		return nil, fmt.Errorf("look at partition %q: %w", p.plan.name, askFailure(err))
	}
	return info, nil
}

// Renew says that the worker is still busy with events of the partition, and returns when the server knows that. It answers
// for an event that is handed to somebody else as well.
func (p *Partition) Renew(ctx context.Context, deliveries []*Delivery) error {
	conn := p.streams.js.Conn()
	for i, d := range deliveries {
		if i < len(deliveries)-1 {
			if err := d.answer([]byte(keepMessage)); err != nil {
				return fmt.Errorf("keep event %d: %w", d.Sequence, err)
			}
			continue
		}
		// They are heard in their order, so that the answer to the last one goes for all.
		_, err := stream.UntilDisconnect(ctx, p.streams.core, func(ctx context.Context) (*nats.Msg, error) {
			return conn.RequestWithContext(ctx, d.message.Reply, []byte(keepMessage))
		})
		if err != nil {
			return fmt.Errorf("keep event %d: %w", d.Sequence, err)
		}
	}
	return nil
}

// GiveUp lets the server choose another owner at once. It does nothing where another one has been chosen already.
func (p *Partition) GiveUp(ctx context.Context, pin string) error {
	info, err := p.info(ctx)
	if err != nil {
		return err
	}
	if len(info.PriorityGroups) != 1 || info.PriorityGroups[0].PinnedClientID != pin {
		return nil
	}
	opened, err := p.streams.core.Stream(ctx, p.plan.stream)
	if err == nil {
		err = opened.UnpinConsumer(ctx, p.plan.name, p.ownerGroup())
	}
	if err != nil {
		return fmt.Errorf("give up partition %q: %w", p.plan.name, err)
	}
	return nil
}

func (p *Partition) ownerGroup() string {
	if p.group.settings.Unordered {
		return ""
	}
	return wire.OwnerGroup
}

// Open opens the consumer, makes it when it is not there, and takes over from those of an older version, which waits until
// what they have handed out is done. Anew reports whether it is another one than before.
func (p *Partition) Open(ctx context.Context) (anew bool, err error) {
	info, err := p.streams.consumerInfo(ctx, p.plan.stream, p.plan.name)
	if err != nil {
		return false, err
	}
	config := p.group.config(p.plan)
	switch {
	case info != nil:
		keepOrigin(&config, info)
	case p.hasLanes:
		if err := p.takeOver(ctx, &config); err != nil {
			return false, err
		}
	}
	opened, err := p.streams.openConsumer(ctx, p.plan.stream, config)
	if err != nil {
		return false, fmt.Errorf("open consumer %s of stream %s: %w", p.plan.name, p.plan.stream, err)
	}
	now := opened.CachedInfo()
	anew = p.consumer != nil && !p.consumer.CachedInfo().Created.Equal(now.Created)
	p.consumer, p.born, p.done = opened, bornAt(now), wire.ReadDone(now.Config.Metadata)
	if p.hasLanes {
		err = p.removeLanes(ctx)
	}
	return anew, err
}

// keepOrigin keeps where a consumer began, which can't be changed, and what it took over.
func keepOrigin(config *jetstream.ConsumerConfig, info *jetstream.ConsumerInfo) {
	config.DeliverPolicy, config.OptStartSeq = info.Config.DeliverPolicy, info.Config.OptStartSeq
	metadata := maps.Clone(info.Config.Metadata)
	maps.Copy(metadata, config.Metadata)
	config.Metadata = metadata
}
