package stream

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream/internal/wire"
)

const (
	// attemptTimeout is how long one try waits for its acknowledgement before the next one with the same id.
	attemptTimeout = 5 * time.Second
	// firstPause and longestPause are how long a publisher waits between tries.
	firstPause   = 25 * time.Millisecond
	longestPause = 500 * time.Millisecond
)

// PublishAlert stores what the operator is to be told, once per window and fingerprint. First is false when the
// same was told within the window.
func (s *Client) PublishAlert(ctx context.Context, alert *notification.Alert) (first bool, err error) {
	message, err := wire.AlertMessage(alert)
	if err != nil {
		return false, fmt.Errorf("publish alert: %w", err)
	}
	ack, err := s.Store(ctx, message)
	if err != nil {
		return false, fmt.Errorf("publish alert: %w", err)
	}
	return !ack.Duplicate, nil
}

// Store stores a message by itself, trying again with the same id until the context ends. Errors: ErrFull,
// ErrUnavailable, ErrUnknown, ErrTooLarge.
func (s *Client) Store(ctx context.Context, message *nats.Msg) (*jetstream.PubAck, error) {
	return publishUntil(ctx, s.publishOnce, message, false)
}
