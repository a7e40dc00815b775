package stream

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/shared/notification"
)

const (
	// MaxBatch is the most messages that go into one batch. The server takes up to 1,000.
	MaxBatch = 500
	// chunk is the size of the batches that a refused batch is divided into. A batch costs about as much as ten
	// synced publishes, so that small chunks lose to single messages and large ones are likely to be refused too.
	chunk = 64
)

// Stored is what became of one event of a batch.
type Stored struct {
	// Duplicate says that an event with the same key was there before.
	Duplicate bool
	// Sequence is the event's place in the stream; for a duplicate, that of the event before, 0 when unknown.
	Sequence uint64
}

// PublishEvents stores events in their order, each key once within the duplicate window. The first error ends
// it: the outcomes before are returned, the events behind were not published, so that nothing is out of order.
// It tries again until the context's deadline. Errors as PublishNotification.
func (s *Streams) PublishEvents(ctx context.Context, events []notification.Event) ([]Stored, error) {
	stored := make([]Stored, len(events))
	fresh := make([]int, 0, len(events)) // indexes of the first of each key
	seen := make(map[string]bool, len(events))
	for i := range events {
		if key := events[i].Key; seen[key] {
			stored[i].Duplicate = true
		} else {
			seen[key] = true
			fresh = append(fresh, i)
		}
	}
	messages := make([]*nats.Msg, len(fresh))
	for i, index := range fresh {
		messages[i] = eventMessage(&events[index])
	}
	outcomes, err := s.publishOrdered(ctx, messages)
	for i, outcome := range outcomes {
		stored[fresh[i]] = outcome
	}
	if err == nil {
		return stored, nil
	}
	return stored[:fresh[len(outcomes)]], fmt.Errorf("publish events: %w", err)
}

// publishOrdered stores the messages singly where there are few, and else in batches of decreasing size: one batch
// for all, chunks where that holds a duplicate, single messages where a chunk does.
func (s *Streams) publishOrdered(ctx context.Context, messages []*nats.Msg) ([]Stored, error) {
	if len(messages) < s.events.batchFrom() {
		return s.publishSingly(ctx, messages)
	}
	begin := time.Now()
	if acks, err := s.publishBatch(ctx, messages); err == nil {
		s.events.batch(len(messages), begin, time.Now())
		return storedAs(acks), nil
	}
	stored := make([]Stored, 0, len(messages))
	for len(messages) > 0 {
		part := messages[:min(chunk, len(messages))]
		messages = messages[len(part):]
		if acks, err := s.publishBatch(ctx, part); err == nil {
			stored = append(stored, storedAs(acks)...)
			continue
		}
		outcomes, err := s.publishSingly(ctx, part)
		if stored = append(stored, outcomes...); err != nil {
			return stored, err
		}
	}
	return stored, nil
}

func storedAs(acks []*jetstream.PubAck) []Stored {
	stored := make([]Stored, len(acks))
	for i, ack := range acks {
		stored[i] = Stored{Duplicate: ack.Duplicate, Sequence: ack.Sequence}
	}
	return stored
}

func (s *Streams) publishSingly(ctx context.Context, messages []*nats.Msg) ([]Stored, error) {
	stored := make([]Stored, 0, len(messages))
	for _, message := range messages {
		begin := time.Now()
		ack, err := s.publishSingle(ctx, message)
		if err != nil {
			return stored, err
		}
		if !ack.Duplicate { // A duplicate is not written.
			s.events.single(begin, time.Now())
		}
		stored = append(stored, storedAs([]*jetstream.PubAck{ack})...)
	}
	return stored, nil
}

// Accept makes the event of a notification that was found valid, in its lane.
func (s *Streams) Accept(n *notification.Notification, identity notification.Identity) notification.Event {
	return notification.Event{
		Identity: identity,
		Source:   n.Source, Provider: n.Provider, ReceivedAt: n.ReceivedAt, ContentType: n.ContentType,
		RemoteAddress: n.RemoteAddress, RequestID: n.RequestID, TraceParent: n.TraceParent, Body: n.Body,
		Header: n.Header, Reading: n.Reading, Observe: n.Observe,
		Lane:                 laneOf(identity.Instance, identity.OrderKey, s.lanes),
		NotificationSequence: n.Sequence,
	}
}
