package admin

import (
	"context"
	"fmt"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream/internal/wire"
)

// RecordOperation keeps what an operator did, for as long as a dead letter stays and a month longer. The audit reads it:
// what an operator removed is accounted for and not lost. Errors as PublishNotification.
func (s *Client) RecordOperation(ctx context.Context, operation notification.Operation) error {
	message, err := wire.OperationMessage(&operation)
	if err != nil {
		return fmt.Errorf("record operation %s: %w", operation.What, err)
	}
	if _, err := s.core.Store(ctx, message); err != nil {
		return fmt.Errorf("record operation %s: %w", operation.What, err)
	}
	return nil
}
