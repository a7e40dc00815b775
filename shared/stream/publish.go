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
	// attemptTimeout is how long one try waits for its acknowledgement before the next one with the same id.
	attemptTimeout = 5 * time.Second
	// firstPause and longestPause are how long a publisher waits between tries.
	firstPause   = 25 * time.Millisecond
	longestPause = 500 * time.Millisecond
)

// PublishNotification stores a raw notification and returns its receipt: the place in the stream. It tries
// again until the context's deadline, always with the same id. Errors: ErrFull, ErrUnavailable, ErrTooLarge.
func (s *Streams) PublishNotification(ctx context.Context, n *notification.Notification) (receipt uint64, err error) {
	ack, err := s.publisher.publish(ctx, notificationMessage(n, s.shards))
	if err != nil {
		return 0, fmt.Errorf("publish notification of %q: %w", n.Source, err)
	}
	return ack.Sequence, nil
}

// PublishDeadLetter stores a dead letter. The same one is stored once. Errors as PublishNotification.
func (s *Streams) PublishDeadLetter(ctx context.Context, letter *notification.DeadLetter) error {
	if _, err := s.publishSingle(ctx, deadLetterMessage(letter)); err != nil {
		return fmt.Errorf("publish dead letter of %q: %w", letter.Source, err)
	}
	return nil
}

// PublishAlert stores what the operator is to be told, once per window and fingerprint. First is false when the
// same was told within the window.
func (s *Streams) PublishAlert(ctx context.Context, alert *notification.Alert) (first bool, err error) {
	message, err := alertMessage(alert)
	if err != nil {
		return false, fmt.Errorf("publish alert: %w", err)
	}
	ack, err := s.publishSingle(ctx, message)
	if err != nil {
		return false, fmt.Errorf("publish alert: %w", err)
	}
	return !ack.Duplicate, nil
}

// publishSingle stores a message by itself, trying again until the context ends.
func (s *Streams) publishSingle(ctx context.Context, message *nats.Msg) (*jetstream.PubAck, error) {
	return publishUntil(ctx, s.publishOnce, message, false)
}
