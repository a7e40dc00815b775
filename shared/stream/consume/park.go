package consume

import (
	"context"
	"fmt"
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream/internal/wire"
)

// Park sets an event aside for a group until a time. The same attempt is parked once. Errors: ErrFull,
// ErrUnavailable, ErrTooLarge.
func (s *Client) Park(ctx context.Context, group string, event *notification.Event, until time.Time) error {
	if err := s.core.CheckRetryQuota(ctx); err != nil {
		return fmt.Errorf("park event %d for group %q: %w", event.Sequence, group, err)
	}
	return s.park(ctx, group, time.Time{}, event, until)
}

// park stores an event for later. Born is when the group was made.
func (s *Client) park(ctx context.Context, group string, born time.Time, event *notification.Event, until time.Time) error {
	message := wire.ParkedMessage(group, born, event, s.lanes, until)
	if _, err := s.core.Store(ctx, message); err != nil {
		return fmt.Errorf("park event %d for group %q: %w", event.Sequence, group, err)
	}
	return nil
}

// PublishDeadLetter stores a dead letter. The same one is stored once. Errors as PublishNotification.
func (s *Client) PublishDeadLetter(ctx context.Context, letter *notification.DeadLetter) error {
	if _, err := s.core.Store(ctx, wire.DeadLetterMessage(letter)); err != nil {
		return fmt.Errorf("publish dead letter of %q: %w", letter.Source, err)
	}
	return nil
}
