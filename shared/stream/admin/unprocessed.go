package admin

import (
	"context"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/internal/wire"
)

// Unprocessed is an event or a notification that somebody has still to process. What is for several groups is listed
// once for each.
type Unprocessed struct {
	// Notification is set for the intake, Retry for what is parked or due, Event for what a group has not had yet.
	Notification *notification.Notification
	Event        *notification.Event
	Retry        *notification.Retry
	// Group is who has to process it; empty for the intake.
	Group string
	// UnderWay says that it was handed out.
	UnderWay bool
	// Since is when it was stored, parked or became due.
	Since time.Time
}

// Unprocessed returns what waits longest, at most so many. Of what one consumer has handed out to several workers at the
// same time it has only the oldest: which of the others are done the server does not tell.
func (s *Client) Unprocessed(ctx context.Context, limit int) ([]Unprocessed, error) {
	queues, err := s.unprocessedQueues(ctx)
	if err != nil {
		return nil, err
	}
	var heads []*head
	for _, q := range queues {
		h := &head{queue: q, from: q.done + 1}
		if err := h.read(ctx); err != nil {
			return nil, err
		}
		heads = append(heads, h)
	}
	var list []Unprocessed
	for len(list) < limit {
		heads = slices.DeleteFunc(heads, func(h *head) bool { return h.message == nil })
		if len(heads) == 0 {
			break
		}
		oldest := slices.MinFunc(heads, func(a, b *head) int { return a.message.Time.Compare(b.message.Time) })
		list = append(list, oldest.item())
		if err := oldest.advance(ctx); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// unprocessedQueues returns the queues in which something waits: of the shards, of the groups, and what is parked.
func (s *Client) unprocessedQueues(ctx context.Context) ([]queue, error) {
	queues, err := s.intakeQueues(ctx)
	if err != nil {
		return nil, err
	}
	for _, name := range []string{stream.Events, stream.Retries} {
		opened, consumers, err := s.withConsumers(ctx, name)
		if err != nil {
			return nil, err
		}
		queues = append(queues, queuesOf(opened, consumers)...)
		if name == stream.Retries { // What is parked has no consumer: nobody is to have it yet.
			queues = append(queues, queue{stream: opened, filter: "retry.>"})
		}
	}
	return queues, nil
}

// head is the oldest message of a queue that was not listed yet.
type head struct {
	queue
	from    uint64
	message *jetstream.RawStreamMsg // nil behind the last one
}

func (h *head) read(ctx context.Context) (err error) {
	h.message, err = firstFrom(ctx, h.stream, h.filter, h.from)
	return err
}

// advance goes on behind what was handed out.
func (h *head) advance(ctx context.Context) error {
	h.from = max(h.message.Sequence, h.handed) + 1
	return h.read(ctx)
}

func (h *head) item() Unprocessed {
	m := h.message
	u := Unprocessed{Group: h.group, UnderWay: m.Sequence <= h.handed, Since: m.Time}
	switch h.stream.CachedInfo().Config.Name {
	case stream.Notifications:
		n := wire.ReadNotification(m.Header, m.Data, m.Sequence)
		n.Shard, n.StoredAt = wire.NumberInSubject(m.Subject), m.Time
		u.Notification = &n
	case stream.Retries:
		retry := wire.ReadRetry(m.Header, m.Data, m.Sequence)
		u.Retry, u.Group = &retry, retry.Group
	default:
		event := wire.ReadEvent(m.Subject, m.Header, m.Data, m.Sequence)
		event.StoredAt = m.Time
		u.Event = &event
	}
	return u
}
