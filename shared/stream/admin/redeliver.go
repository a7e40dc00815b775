package admin

import (
	"context"
	"fmt"
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream/internal/wire"
)

// Redeliver hands a stored event to a group once more, at once, behind what was handed to it so before, whatever is
// still to do in the lanes. The same event, group and round are handed over once. The event's Replayed and History
// go with it, and its tries begin anew. Errors as Park.
func (s *Client) Redeliver(ctx context.Context, group string, event notification.Event, round string) error {
	if err := s.core.CheckRetryQuota(ctx); err != nil {
		return fmt.Errorf("hand event %d to group %q again: %w", event.Sequence, group, err)
	}
	event.Round, event.Attempt, event.FirstFailedAt = round, 0, time.Time{}
	if _, err := s.core.Store(ctx, wire.RetryMessage(group, time.Time{}, &event, s.lanes)); err != nil {
		return fmt.Errorf("hand event %d to group %q again: %w", event.Sequence, group, err)
	}
	return nil
}
