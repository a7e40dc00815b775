package worker

import (
	"context"
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
)

// objects know the newest sender's time of what the notifications of one batch are about. Before the next batch another
// worker may have had the shard, so that each begins with what the store knows.
type objects struct {
	streams *stream.Streams
	newest  map[object]time.Time
}

type object struct{ source, instance, name string }

func objectOf(event *notification.Event) object {
	return object{event.Source, event.Instance, event.Object}
}

func hasObject(event *notification.Event) bool { return event.Object != "" && !event.SentAt.IsZero() }

// begin forgets the batch before.
func (o *objects) begin() { o.newest = map[object]time.Time{} }

// mark says of each event whether a newer one about the same object came before it.
func (o *objects) mark(ctx context.Context, event *notification.Event) error {
	known, ok := o.newest[objectOf(event)]
	if !ok {
		var err error
		if known, err = o.streams.NewestOf(ctx, event); err != nil {
			return err
		}
	}
	event.Outdated = event.SentAt.Before(known)
	if event.SentAt.After(known) {
		known = event.SentAt
	}
	o.newest[objectOf(event)] = known
	return nil
}

// remember keeps the times of the events that are the newest. It is done after they were stored; an event whose time
// a crash kept from being remembered comes again and is remembered then.
func (o *objects) remember(ctx context.Context, event *notification.Event) error {
	if event.Outdated || event.SentAt.Before(o.newest[objectOf(event)]) {
		return nil
	}
	return o.streams.SetNewestOf(ctx, event)
}
