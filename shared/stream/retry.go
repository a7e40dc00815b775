package stream

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"sluice.internal/shared/notification"
)

// dueParts is into how many serial queues a group's due events are divided. What is due has lost its place in the
// lane already, so that it needs fewer queues than lanes; what is replayed stays in order in them.
const dueParts = 16

// Park sets an event aside for a group until a time. The same attempt is parked once. Errors: ErrFull,
// ErrUnavailable, ErrTooLarge.
func (s *Streams) Park(ctx context.Context, group string, event *notification.Event, until time.Time) error {
	if err := s.retryRoom.check(ctx, s); err != nil {
		return fmt.Errorf("park event %d for group %q: %w", event.Sequence, group, err)
	}
	return s.park(ctx, group, time.Time{}, event, until)
}

// park stores an event for later. Born is when the group was made.
func (s *Streams) park(ctx context.Context, group string, born time.Time, event *notification.Event, until time.Time) error {
	message := s.retryMessage(group, born, event)
	target := message.Subject
	message.Subject = fmt.Sprintf("retry.%s.%d.%d", group, event.Lane, event.Sequence)
	h := header(message.Header)
	// The client's option cuts to whole seconds, and so does not only delay less but sometimes not at all.
	h.set(jetstream.ScheduleHeader, "@at "+until.UTC().Format(time.RFC3339Nano))
	h.set(jetstream.ScheduleTargetHeader, target)
	h.setTime(HeaderDueAt, until)
	if _, err := s.publishSingle(ctx, message); err != nil {
		return fmt.Errorf("park event %d for group %q: %w", event.Sequence, group, err)
	}
	return nil
}

// HandAgain hands a stored event to a group once more, at once, behind what was handed to it so before, whatever is
// still to do in the lanes. The same event, group and round are handed over once. The event's Replayed and History
// go with it, and its tries begin anew. Errors as Park.
func (s *Streams) HandAgain(ctx context.Context, group string, event notification.Event, round string) error {
	if err := s.retryRoom.check(ctx, s); err != nil {
		return fmt.Errorf("hand event %d to group %q again: %w", event.Sequence, group, err)
	}
	event.Round, event.Attempt, event.FirstFailedAt = round, 0, time.Time{}
	if _, err := s.publishSingle(ctx, s.retryMessage(group, time.Time{}, &event)); err != nil {
		return fmt.Errorf("hand event %d to group %q again: %w", event.Sequence, group, err)
	}
	return nil
}

// retryMessage writes an event that is due. The time of receipt belongs to the id because sequences begin anew in a
// new stream, the group's own time because a group that was removed and made anew begins with the same attempts.
func (s *Streams) retryMessage(group string, born time.Time, event *notification.Event) *nats.Msg {
	h := eventHeader(event)
	h.set(nats.MsgIdHdr, strings.Join([]string{
		group, strconv.FormatUint(event.Sequence, 10), strconv.FormatInt(event.ReceivedAt.UnixNano(), 36),
		event.Round, strconv.Itoa(event.Attempt), strconv.FormatInt(born.UnixMicro(), 36),
	}, "/"))
	h.set(HeaderGroup, group)
	h.setLineage(event)
	return &nats.Msg{Subject: dueSubject(group, s.duePart(event.Lane)), Header: nats.Header(h), Data: event.Body}
}

func readRetry(h nats.Header, body []byte, sequence uint64) notification.Retry {
	retry := notification.Retry{
		Event: readEvent("", h, body, 0), Group: first(h, HeaderGroup), RetrySequence: sequence,
	}
	readLineage(h, &retry.Event)
	if first(h, jetstream.ScheduleHeader) != "" {
		retry.DueAt = readTime(h, HeaderDueAt)
	}
	return retry
}

func dueSubject(group string, part int) string { return "due." + group + "." + strconv.Itoa(part) }

// duePart is the queue that a lane's events are in when they are due.
func (s *Streams) duePart(lane int) int { return lane % s.dueParts() }

func (s *Streams) dueParts() int { return min(s.lanes, dueParts) }

// listBatch is how many messages one request for a work queue's messages asks for.
const listBatch = 256

// Retries reads the events that wait for another attempt, those parked longest first. Query's Group, Source, Type
// and Instance are heeded. A work queue can't be read by a consumer without taking from it, so messages are asked
// for by their sequence.
func (s *Streams) Retries(ctx context.Context, query Query) iter.Seq2[notification.Retry, error] {
	return func(yield func(notification.Retry, error) bool) {
		subjects := []string{"retry." + wild(query.Group) + ".>", "due." + wild(query.Group) + ".>"}
		for _, subject := range subjects {
			if !s.eachRetry(ctx, subject, query, yield) {
				return
			}
		}
	}
}

func (s *Streams) eachRetry(
	ctx context.Context, subject string, query Query, yield func(notification.Retry, error) bool,
) (goOn bool) {
	for next := uint64(1); ; {
		messages, err := jetstreamext.GetBatch(ctx, s.js, Retries, listBatch,
			jetstreamext.GetBatchSubject(subject), jetstreamext.GetBatchSeq(next))
		if err != nil {
			return yield(notification.Retry{}, fmt.Errorf("read stream %s: %w", Retries, err))
		}
		found := false
		for message, err := range messages {
			if errors.Is(err, jetstreamext.ErrNoMessages) {
				return true
			}
			if err != nil {
				return yield(notification.Retry{}, fmt.Errorf("read stream %s: %w", Retries, err))
			}
			found = true
			next = message.Sequence + 1
			retry := readRetry(message.Header, message.Data, message.Sequence)
			if query.matches(retry.Source, retry.Type, retry.Instance) && !yield(retry, nil) {
				return false
			}
		}
		if !found {
			return true
		}
	}
}
