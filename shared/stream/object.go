package stream

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/shared/notification"
)

// NewestOf returns the newest sender's time of the events accepted about an event's object, zero when there was
// none within a month.
func (s *Streams) NewestOf(ctx context.Context, event *notification.Event) (time.Time, error) {
	newest, _, err := s.newestOf(ctx, event)
	return newest, err
}

// newestOf returns the place of what it found too, 0 when there was none.
func (s *Streams) newestOf(ctx context.Context, event *notification.Event) (newest time.Time, sequence uint64, err error) {
	opened, err := s.js.Stream(ctx, Objects)
	if err != nil {
		return time.Time{}, 0, fmt.Errorf("open stream %s: %w", Objects, classify(err))
	}
	message, err := opened.GetLastMsgForSubject(ctx, objectSubject(event))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return time.Time{}, 0, nil
	}
	if err != nil {
		return time.Time{}, 0, fmt.Errorf("read newest time of object %q: %w", event.Object, classify(err))
	}
	return readTime(message.Header, HeaderSentAt), message.Sequence, nil
}

// SetNewestOf remembers an event's sender's time as the newest of its object, unless a newer one is known. One worker
// at a time takes in what is about one object, since all of it is in one shard; but one that froze may come late.
// Errors as PublishNotification.
func (s *Streams) SetNewestOf(ctx context.Context, event *notification.Event) error {
	for {
		known, sequence, err := s.newestOf(ctx, event)
		if err != nil {
			return err
		}
		if sequence > 0 && !event.SentAt.After(known) {
			return nil
		}
		h := make(header, 3)
		h.set(HeaderObject, event.Object)
		h.setTime(HeaderSentAt, event.SentAt)
		h.set(jetstream.ExpectedLastSubjSeqHeader, strconv.FormatUint(sequence, 10))
		_, err = s.publishSingle(ctx, &nats.Msg{Subject: objectSubject(event), Header: nats.Header(h)})
		if err == nil {
			return nil
		}
		if !isOvertaken(err) {
			return fmt.Errorf("remember newest time of object %q: %w", event.Object, err)
		}
	}
}

// isOvertaken tells whether somebody else wrote to the subject in between.
func isOvertaken(err error) bool {
	return code(err) == codeWrongLastSequence || code(err) == codeWrongLastConstant
}

// objectSubject has a hash for the object, since different objects must not share a subject.
func objectSubject(event *notification.Event) string {
	return "object." + Token(event.Source) + "." + notification.Key(event.Instance, event.Object)
}
