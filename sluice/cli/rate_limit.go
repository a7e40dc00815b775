package cli

import (
	"context"
	"time"

	"sluice.internal/shared/service"
)

// rateLimit spreads what is done evenly over time. golang.org/x/time/rate is not used because its Wait gives up at once
// when the context would end before its turn; here the wait is to end as "interrupted".
type rateLimit struct {
	interval time.Duration
	next     time.Time
}

// newRateLimit allows so many a second; 0 is no limit.
func newRateLimit(perSecond float64) *rateLimit {
	if perSecond <= 0 {
		return &rateLimit{}
	}
	return &rateLimit{interval: time.Duration(float64(time.Second) / perSecond)}
}

// wait blocks until the next turn or the context's end. Turns that were missed are not made up for.
func (l *rateLimit) wait(ctx context.Context) error {
	now := time.Now()
	if delay := l.next.Sub(now); delay > 0 {
		if err := service.Sleep(ctx, delay); err != nil {
			return err
		}
		now = l.next
	}
	l.next = now.Add(l.interval)
	return ctx.Err()
}
