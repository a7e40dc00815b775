package greenapi

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Pace keeps the clients that share it within the rates that GREEN-API documents for each method and instance. It belongs to
// one instance. The requests of a method are spread evenly over a second.
//
// GREEN-API counts all programs that use an instance, and a Pace counts its own process alone. So it also learns: a refusal
// for too many requests halves the rate, and what succeeds raises it again, by one a second, up to the documented one. Programs
// that do so share what there is without knowing of each other. It is safe for concurrent use; the zero value is ready.
type Pace struct {
	mutex   sync.Mutex
	methods map[string]*turn
}

// turn is when a method may be called next, and how often, a second.
type turn struct {
	next     time.Time
	rate     float64
	halvedAt time.Time
}

const (
	// sendingRate is what methods that send may be called with, a second; commonRate most others.
	sendingRate = 50
	commonRate  = 1
	// minRate is where halving ends.
	minRate = 0.5
	// refusedPause is how long to wait after a refusal that does not say.
	refusedPause = time.Second
)

// rateOf returns how many calls of a method a second are allowed. Source: https://green-api.com/en/docs/api/ratelimiter/
func rateOf(method string) float64 {
	switch method {
	case "sendMessage", "sendFileByUrl", "sendPoll", "sendLocation", "sendContact", "forwardMessages":
		return sendingRate
	case "receiveNotification", "deleteNotification":
		return 100
	case "readChat", "checkWhatsapp":
		return 10
	default:
		return commonRate
	}
}

// errNoTurn says that the turn of a call comes after its caller has gone.
var errNoTurn = errors.New("more requests wait for GREEN-API than it takes in this time")

// wait returns when the method may be called. Where the context would end before, it returns at once, with how long it would
// have been.
func (p *Pace) wait(ctx context.Context, method string) (time.Duration, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	now := time.Now()
	wait, ok := p.reserve(ctx, method, now)
	if !ok {
		return wait, errNoTurn
	}
	if wait <= 0 {
		return 0, nil
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return 0, nil
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

func (p *Pace) reserve(ctx context.Context, method string, now time.Time) (wait time.Duration, ok bool) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	t := p.turnOf(method)
	at := t.next
	if at.Before(now) {
		at = now
	}
	wait = at.Sub(now)
	if deadline, bounded := ctx.Deadline(); bounded && at.After(deadline) {
		return wait, false
	}
	t.next = at.Add(time.Duration(float64(time.Second) / t.rate))
	return wait, true
}

// done learns from an answer.
func (p *Pace) done(method string, failure *Error) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.turnOf(method).learn(failure, rateOf(method), time.Now())
}

// learn changes the rate by what was answered at a time. Requests that were under way together are refused together, so only
// the first refusal of a second halves it.
func (t *turn) learn(failure *Error, most float64, at time.Time) {
	switch {
	case failure == nil:
		t.rate = min(t.rate+1/t.rate, most)
	case failure.Reason == TooManyRequests:
		if at.Sub(t.halvedAt) >= refusedPause {
			t.rate, t.halvedAt = max(t.rate/2, minRate), at
		}
		pause := failure.RetryAfter
		if pause == 0 {
			pause = refusedPause
		}
		if until := at.Add(pause); t.next.Before(until) {
			t.next = until
		}
	}
}

func (p *Pace) turnOf(method string) *turn {
	if p.methods == nil {
		p.methods = map[string]*turn{}
	}
	if p.methods[method] == nil {
		p.methods[method] = &turn{rate: rateOf(method)}
	}
	return p.methods[method]
}
