package consume

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/internal/wire"
)

const (
	// asideTimeout bounds a request about what is aside.
	asideTimeout = 5 * time.Second
	// asideRequests is how many requests are sent for one call: other chats of the instance may have most of the events.
	asideRequests = 8
)

// LoadAsides returns which chats of the partition are aside, with the revision of that, and a sequence above which nothing was
// handed out of the partition before: the last one of EVENTS, since on replicas the consumer notes a little later what it has handed
// out. It asks the leaders, and so sees what was saved before.
func (p *Partition) LoadAsides(ctx context.Context) (chats []stream.Aside, revision, last uint64, err error) {
	ctx, cancel := context.WithTimeout(ctx, asideTimeout)
	defer cancel()
	record, revision, err := p.streams.core.LoadAsides(ctx, p.group.settings.Name, p.plan.name)
	if err != nil {
		return nil, 0, 0, err
	}
	events, err := p.streams.core.Stream(ctx, stream.Events)
	if err != nil {
		return nil, 0, 0, stream.Classify(err)
	}
	if !record.Born.Equal(p.consumer.CachedInfo().Created) {
		record.Chats = nil
	}
	return record.Chats, revision, events.CachedInfo().State.LastSeq, nil
}

// SaveAsides writes which chats are aside, as this process. Revision, result and errors are those of stream.Client.
func (p *Partition) SaveAsides(ctx context.Context, chats []stream.Aside, revision uint64) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, asideTimeout)
	defer cancel()
	record := stream.AsideRecord{Group: p.group.settings.Name, Born: p.consumer.CachedInfo().Created, Writer: p.streams.process, Chats: chats}
	return p.streams.core.SaveAsides(ctx, p.plan.name, record, revision)
}

// Floor returns up to which sequence all events of the partition are acknowledged.
func (p *Partition) Floor(ctx context.Context) (uint64, error) {
	info, err := p.info(ctx)
	if err != nil {
		return 0, err
	}
	return info.AckFloor.Stream, nil
}

// ReadAside returns events of a chat from where they are stored, from behind one sequence up to another one that is stored.
// Read is up to where it has all of them; there may be more. Suspect says that a worker may have died of the first one. They
// are not acknowledged.
func (p *Partition) ReadAside(
	ctx context.Context, where string, is func(*notification.Event) bool, after, upTo uint64, suspect bool,
) (deliveries []*Delivery, read uint64, err error) {
	ctx, cancel := context.WithTimeout(ctx, asideTimeout)
	defer cancel()
	read = after
	for range asideRequests {
		last, err := p.streams.someEvents(ctx, where, read+1, func(event *notification.Event) {
			if event.Sequence <= upTo && is(event) {
				deliveries = append(deliveries, p.stored(event, suspect && len(deliveries) == 0))
			}
		})
		read = max(read, min(last, upTo))
		if err != nil && len(deliveries) == 0 {
			return nil, read, err
		}
		ended := last > upTo
		if last == 0 { // Any server that has a copy has answered. Only the leader knows whether there is nothing more.
			ended, err = p.isEnd(ctx, where, read+1, upTo)
			if err != nil && len(deliveries) == 0 {
				return nil, read, err
			}
		}
		switch {
		case ended:
			return deliveries, upTo, nil
		case err != nil || len(deliveries) > 0 || read >= upTo:
			return deliveries, read, nil
		}
	}
	return deliveries, read, nil
}

// isEnd reports whether the leader has no message of a subject from a sequence up to another one.
func (p *Partition) isEnd(ctx context.Context, where string, from, upTo uint64) (bool, error) {
	if from > upTo {
		return true, nil
	}
	next, err := p.streams.core.AtLeader(ctx, stream.Events, stream.Lookup{Sequence: from, Subject: where})
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("read what is aside of partition %q: %w", p.plan.name, stream.Classify(err))
	}
	return next.Sequence > upTo, nil
}

// stored is an event that nobody handed out.
func (p *Partition) stored(event *notification.Event, suspect bool) *Delivery {
	d := &Delivery{
		Event: *event, message: &nats.Msg{Data: event.Body}, partition: p, streamSeq: event.Sequence, handedOut: 1,
	}
	d.Attempt = 1
	if suspect {
		d.handedOut = suspectFrom
	}
	return d
}

// Where returns the subject by which ReadAside finds the events of the same chat, empty where they are in no order any more.
func (d *Delivery) Where() string {
	if d.Due {
		return ""
	}
	return wire.EventsOfInstance(&d.Event)
}
