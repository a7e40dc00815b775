package intake

import (
	"context"
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream/consume"
)

// newest knows the newest sender's time of each object that the notifications of one batch are about. It begins each
// batch with what the store knows, because another worker may have had the shard in between.
type newest struct {
	streams *consume.Client
	times   map[object]time.Time
}

// object is what events are about, an order for example. Names are unique within a source and an instance.
type object struct{ source, instance, name string }

func objectOf(event *notification.Event) object {
	return object{event.Source, event.Instance, event.Object}
}

// hasObject reports whether it can be known if an event is outdated.
func hasObject(event *notification.Event) bool { return event.Object != "" && !event.SentAt.IsZero() }

// begin forgets the batch before.
func (n *newest) begin() { n.times = map[object]time.Time{} }

// mark sets Outdated where a newer event about the same object was accepted before.
func (n *newest) mark(ctx context.Context, event *notification.Event) error {
	known, ok := n.times[objectOf(event)]
	if !ok {
		var err error
		if known, err = n.streams.LatestSentAt(ctx, event); err != nil {
			return err
		}
	}
	event.Outdated = event.SentAt.Before(known)
	if event.SentAt.After(known) {
		known = event.SentAt
	}
	n.times[objectOf(event)] = known
	return nil
}

// remember keeps the times of the events that are the newest. It is called after they were stored: an event whose time
// a crash kept from being remembered comes again, and is remembered then.
func (n *newest) remember(ctx context.Context, event *notification.Event) error {
	if event.Outdated || event.SentAt.Before(n.times[objectOf(event)]) {
		return nil
	}
	return n.streams.SetLatestSentAt(ctx, event)
}
