package service

import (
	"context"
	"time"
)

// Sleep waits for the duration and returns nil. When the context ends first, or has ended before, it returns the cause of
// that. A duration of zero or less is over at once.
func Sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 || ctx.Err() != nil {
		return context.Cause(ctx)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
