package cli

import (
	"context"
	"time"
)

// pacer spreads what is done over time.
type pacer struct {
	interval time.Duration
	next     time.Time
}

// newPacer makes a pacer for so many a second; 0 is as many as can be.
func newPacer(rate float64) *pacer {
	if rate <= 0 {
		return &pacer{}
	}
	return &pacer{interval: time.Duration(float64(time.Second) / rate)}
}

// wait returns when the next one is due. Time that was lost is not made up for.
func (p *pacer) wait(ctx context.Context) error {
	now := time.Now()
	if delay := p.next.Sub(now); delay > 0 {
		if err := rest(ctx, delay); err != nil {
			return err
		}
		now = p.next
	}
	p.next = now.Add(p.interval)
	return ctx.Err()
}

// rest waits, unless the context ends before.
func rest(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
