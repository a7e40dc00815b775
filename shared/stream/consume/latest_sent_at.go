package consume

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/internal/wire"
)

// LatestSentAt returns the newest sender's time of the events accepted about an event's object, zero when there was
// none within a month.
func (s *Client) LatestSentAt(ctx context.Context, event *notification.Event) (time.Time, error) {
	newest, _, err := s.latestSentAt(ctx, event)
	return newest, err
}

// latestSentAt returns the place of what it found too, 0 when there was none.
func (s *Client) latestSentAt(ctx context.Context, event *notification.Event) (newest time.Time, sequence uint64, err error) {
	opened, err := s.js.Stream(ctx, stream.Objects)
	if err != nil {
		return time.Time{}, 0, fmt.Errorf("open stream %s: %w", stream.Objects, stream.Classify(err))
	}
	message, err := opened.GetLastMsgForSubject(ctx, wire.ObjectSubject(event))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return time.Time{}, 0, nil
	}
	if err != nil {
		return time.Time{}, 0, fmt.Errorf("read newest time of object %q: %w", event.Object, stream.Classify(err))
	}
	return wire.ReadTime(message.Header, wire.HeaderSentAt), message.Sequence, nil
}

// SetLatestSentAt remembers an event's sender's time as the newest of its object, unless a newer one is known. One worker
// at a time takes in what is about one object, since all of it is in one shard; but one that froze may come late.
// Errors as PublishNotification.
func (s *Client) SetLatestSentAt(ctx context.Context, event *notification.Event) error {
	for {
		known, sequence, err := s.latestSentAt(ctx, event)
		if err != nil {
			return err
		}
		if sequence > 0 && !event.SentAt.After(known) {
			return nil
		}
		_, err = s.core.Store(ctx, wire.ObjectMessage(event, sequence))
		if err == nil {
			return nil
		}
		if !stream.IsOvertaken(err) {
			return fmt.Errorf("remember newest time of object %q: %w", event.Object, err)
		}
	}
}
