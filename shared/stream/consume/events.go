package consume

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream/internal/groupcommit"
	"sluice.internal/shared/stream/internal/wire"
)

const (
	// MaxBatch is how many messages go into one batch at most. The server takes up to 1,000.
	MaxBatch = groupcommit.MaxBatch
	// chunk is the size of the batches that a refused batch is divided into. A batch costs about as much as ten
	// synced publishes, so that small chunks lose to single messages and large ones are likely to be refused too.
	chunkSize = 64
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
func (s *Client) PublishEvents(ctx context.Context, events []notification.Event) ([]Stored, error) {
	// The server refuses a batch whole that has one id twice, so that those are told apart before.
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
		messages[i] = wire.EventMessage(&events[index])
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
// for as many as the server takes, chunks where that holds a duplicate, single messages where a chunk does.
func (s *Client) publishOrdered(ctx context.Context, messages []*nats.Msg) ([]Stored, error) {
	if len(messages) < s.events.Threshold() {
		return s.publishSingly(ctx, messages)
	}
	stored := make([]Stored, 0, len(messages))
	for len(messages) > 0 {
		count := batchOf(messages)
		outcomes, err := s.publishBatch(ctx, messages[:count])
		if stored = append(stored, outcomes...); err != nil {
			return stored, err
		}
		messages = messages[count:]
	}
	return stored, nil
}

// batchOf returns how many of the messages, one at least, make a batch that the server takes.
func batchOf(messages []*nats.Msg) int {
	count, size := 1, len(messages[0].Data)
	for count < min(len(messages), MaxBatch) && size+len(messages[count].Data) <= maxBatchBytes {
		size += len(messages[count].Data)
		count++
	}
	return count
}

// publishBatch stores messages that make one batch. It looks for what the server refused without knowing why: a duplicate is the
// common case, and everything else comes up again with the message that it is about.
func (s *Client) publishBatch(ctx context.Context, messages []*nats.Msg) ([]Stored, error) {
	begin := time.Now()
	if acks, err := s.core.StoreBatch(ctx, messages); err == nil {
		s.events.Batch(len(messages), begin, time.Now())
		return storedAs(acks), nil
	}
	stored := make([]Stored, 0, len(messages))
	for len(messages) > 0 {
		part := messages[:min(chunkSize, len(messages))]
		messages = messages[len(part):]
		if acks, err := s.core.StoreBatch(ctx, part); err == nil {
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

// publishSingly stores one message after the other: side by side they would be out of order where one has to be repeated.
func (s *Client) publishSingly(ctx context.Context, messages []*nats.Msg) ([]Stored, error) {
	stored := make([]Stored, 0, len(messages))
	for _, message := range messages {
		begin := time.Now()
		ack, err := s.core.Store(ctx, message)
		if err != nil {
			return stored, err
		}
		if !ack.Duplicate { // A duplicate is not written.
			s.events.Single(begin, time.Now())
		}
		stored = append(stored, storedAs([]*jetstream.PubAck{ack})...)
	}
	return stored, nil
}

// NewEvent makes the event of a notification that was found valid, in its lane. It refuses an identity that would be
// read back from the stream as another one than was validated. Even then the event is whole, for a dead letter, which
// nobody handles by its type.
func (s *Client) NewEvent(n *notification.Notification, identity notification.Identity) (notification.Event, error) {
	event := notification.Event{
		Origin:               n.Origin,
		Identity:             identity,
		Lane:                 wire.LaneOf(identity.Instance, identity.OrderKey, s.lanes),
		NotificationSequence: n.Sequence,
	}
	for _, part := range [...]struct{ name, value string }{
		{"source", n.Source},
		{"provider", n.Provider},
		{"type", identity.Type},
		{"instance", identity.Instance},
		{"order key", identity.OrderKey},
		{"key", identity.Key},
		{"object", identity.Object},
	} {
		if !wire.Travels(part.value) {
			return event, fmt.Errorf("has %s %q, which no header holds as it is", part.name, short(part.value))
		}
	}
	return event, nil
}

// maxShown is how many bytes of a value an error shows.
const maxShown = 256

// short cuts a value at a length that is fit for an error.
func short(value string) string {
	if len(value) <= maxShown {
		return value
	}
	return strings.ToValidUTF8(value[:maxShown], "") + "…"
}
