package simulate

import (
	"context"
	"math/rand/v2"
	"time"

	"sluice.internal/shared/service"
)

// arrivals says when the notifications of an instance come into being. It holds no queue: what waits in it has not
// been made up yet, and only its time matters.
type arrivals struct {
	random *rand.Rand
	// mean is the mean time between two, exponentially distributed; 0 makes the next one when the one before is done.
	mean time.Duration
	// spacing is the least time between two first attempts.
	spacing time.Duration

	until  time.Time // nothing comes into being from then on; zero for never
	coming time.Time // of the next one, where mean says when
	sent   time.Time // when the last one could be sent
}

// begin starts the clock. Without an end, notifications come into being until the context ends.
func (a *arrivals) begin(at, until time.Time) {
	a.until = until
	a.coming = at.Add(a.draw())
}

func (a *arrivals) draw() time.Duration {
	return time.Duration(a.random.ExpFloat64() * float64(a.mean))
}

// next waits until the next notification may be sent, and returns when it came into being. It is false when there
// are no more, or the context has ended.
func (a *arrivals) next(ctx context.Context) (created time.Time, more bool) {
	created = a.coming
	if a.mean == 0 {
		created = latest(time.Now(), a.sent.Add(a.spacing))
	}
	if a.ended(created) || !waitUntil(ctx, latest(created, a.sent.Add(a.spacing))) {
		return time.Time{}, false
	}
	if a.mean > 0 {
		a.coming = created.Add(a.draw())
	}
	a.sent = time.Now()
	return created, true
}

func (a *arrivals) ended(at time.Time) bool { return !a.until.IsZero() && !at.Before(a.until) }

// queued is how many have come into being by that time and were not sent, of those that were left to come.
func (a *arrivals) queued(by time.Time, left int) int {
	count := 0
	for a.mean > 0 && count < left && !a.coming.After(by) && !a.ended(a.coming) {
		count++
		a.coming = a.coming.Add(a.draw())
	}
	return count
}

// latest returns the later of two times.
func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// waitUntil waits for a time, and is false when the context ended before.
func waitUntil(ctx context.Context, at time.Time) bool {
	return service.Sleep(ctx, time.Until(at)) == nil
}
