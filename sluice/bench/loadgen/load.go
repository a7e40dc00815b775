package loadgen

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"sluice.internal/shared/service"
)

// reconnectPause keeps a generator from spinning when nobody listens.
const reconnectPause = 50 * time.Millisecond

// plan is how to send.
type plan struct {
	// rate is how many requests begin in a second, whatever becomes of those before. 0 lets each connection send
	// the next one when it has its answer.
	rate float64
	// warmUp goes before the measured duration.
	warmUp, duration time.Duration
	// timeout is how long to wait for the last answers.
	timeout time.Duration
	// receipts says that a 200 must have one.
	receipts bool
}

// load is a plan being carried out.
type load struct {
	plan
	measured, end time.Time // the measured time
	began         time.Time
	next          atomic.Int64 // the next arrival, with a rate
}

// run sends until the plan's time is over and the last answers are there, and returns what each connection saw.
// At both ends of the measured time it calls mark.
func (p plan) run(ctx context.Context, senders []sender, mark func()) (*load, []*tally) {
	began := time.Now()
	l := &load{plan: p, began: began, measured: began.Add(p.warmUp), end: began.Add(p.warmUp + p.duration)}
	ctx, cancel := context.WithDeadline(ctx, l.end.Add(p.timeout))
	defer cancel()
	var group sync.WaitGroup
	group.Go(func() {
		for _, when := range []time.Time{l.measured, l.end} {
			WaitUntil(ctx, when)
			mark()
		}
	})
	tallies := make([]*tally, len(senders))
	for i, s := range senders {
		tallies[i] = &tally{statuses: map[int]int{}}
		group.Go(func() {
			defer s.close()
			if p.rate > 0 {
				l.open(ctx, s, tallies[i])
			} else {
				l.closed(ctx, s, tallies[i])
			}
		})
	}
	group.Wait()
	return l, tallies
}

// closed sends the next one when the one before was answered.
func (l *load) closed(ctx context.Context, s sender, t *tally) {
	for begin := time.Now(); begin.Before(l.end) && ctx.Err() == nil; {
		a, err := s.send(ctx, len(t.receipts))
		end := time.Now()
		if t.add(a, err, l.receipts); err != nil {
			WaitUntil(ctx, end.Add(reconnectPause))
		} else if a.ok(l.receipts) && !end.Before(l.measured) && end.Before(l.end) {
			t.measure(end.Sub(begin), end)
		}
		begin = time.Now()
	}
}

// open sends when it is time. The time is set by the rate alone, and latency is counted from then on: what a
// request waits for a connection because the server holds up those before is part of what its sender waits.
func (l *load) open(ctx context.Context, s sender, t *tally) {
	interval := float64(time.Second) / l.rate
	for {
		due := l.began.Add(time.Duration(float64(l.next.Add(1)-1) * interval))
		if !due.Before(l.end) || !WaitUntil(ctx, due) {
			return
		}
		a, err := s.send(ctx, len(t.receipts))
		end := time.Now()
		if t.add(a, err, l.receipts); err != nil {
			WaitUntil(ctx, end.Add(reconnectPause))
		} else if a.ok(l.receipts) && !due.Before(l.measured) {
			t.measure(end.Sub(due), end)
		}
	}
}

// unsent is how many requests of a plan with a rate should have begun and did not.
func (l *load) unsent(tallies []*tally) int {
	if l.rate == 0 {
		return 0
	}
	sent := 0
	for _, t := range tallies {
		sent += len(t.receipts)
	}
	return max(int((l.warmUp+l.duration).Seconds()*l.rate)-sent, 0)
}

// elapsed is the time in which the measured answers came.
func (l *load) elapsed(all *tally) time.Duration {
	if all.last.After(l.end) {
		return all.last.Sub(l.measured)
	}
	return l.duration
}

// WaitUntil waits until then. It returns false when the context ends before.
func WaitUntil(ctx context.Context, then time.Time) bool {
	return service.Sleep(ctx, time.Until(then)) == nil
}
