package stream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/shared/notification"
)

// NewestOf returns the newest sender's time of the events accepted about an event's object, zero when there was
// none within a month.
func (s *Streams) NewestOf(ctx context.Context, event *notification.Event) (time.Time, error) {
	opened, err := s.js.Stream(ctx, Objects)
	if err != nil {
		return time.Time{}, fmt.Errorf("open stream %s: %w", Objects, err)
	}
	message, err := opened.GetLastMsgForSubject(ctx, objectSubject(event))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("read newest time of object %q: %w", event.Object, err)
	}
	return readTime(message.Header, HeaderSentAt), nil
}

// SetNewestOf remembers an event's sender's time as the newest of its object. One worker at a time takes in what is
// about one object, since all of it is in one shard. Errors as PublishNotification.
func (s *Streams) SetNewestOf(ctx context.Context, event *notification.Event) error {
	h := make(header, 2)
	h.set(HeaderObject, event.Object)
	h.setTime(HeaderSentAt, event.SentAt)
	if _, err := s.publishSingle(ctx, &nats.Msg{Subject: objectSubject(event), Header: nats.Header(h)}); err != nil {
		return fmt.Errorf("remember newest time of object %q: %w", event.Object, err)
	}
	return nil
}

// objectSubject has a hash for the object, since different objects must not share a subject.
func objectSubject(event *notification.Event) string {
	return "object." + Token(event.Source) + "." + notification.Key(event.Instance, event.Object)
}
