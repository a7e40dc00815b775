package handling

import (
	"errors"
	"math/rand/v2"
	"time"

	"sluice.internal/shared/config"
	"sluice.internal/shared/metrics"
	"sluice.internal/shared/stream/consume"
	"sluice.internal/worker/handler"
)

// RetryDelays are the delays between the attempts of an event.
type RetryDelays struct {
	// InChat are those of the attempts before an event is parked. Its chat waits, so that order survives a blip.
	InChat []time.Duration
	// First is the first delay of a parked event. Each next one is twice as long, up to Longest; a quarter more or less
	// by chance, so that what failed together comes back apart.
	First, Longest time.Duration
}

// DefaultRetryDelays are made for a handler that calls another service: ten seconds in the chat outlast a restart, and
// a day of parked attempts outlasts an outage without burdening whoever has it.
func DefaultRetryDelays() RetryDelays {
	return RetryDelays{
		InChat: []time.Duration{3 * time.Second, 6 * time.Second},
		First:  30 * time.Second, Longest: 3 * time.Hour,
	}
}

const (
	// maxBlockedDelay bounds the delay between attempts of an event that its chat waits for.
	maxBlockedDelay = time.Minute
	// minParkDelay is the least delay of an event that is parked because its handler asked for one: a handler that asks
	// for none, again and again, would be called as fast as the store can.
	minParkDelay = time.Second
)

// retryPolicy decides what becomes of an event whose handler failed.
type retryPolicy struct {
	delays RetryDelays
	// ordered says that chats may wait. Block lets a chat wait until the handler succeeds, instead of parking the event.
	ordered, block bool
	// limit is how long after its first failure an event is tried again. An event that is handed over again has as long
	// once more.
	limit time.Duration
}

func newRetryPolicy(cfg config.Worker, delays RetryDelays) retryPolicy {
	return retryPolicy{
		delays: delays, ordered: cfg.Ordered, block: cfg.OnFailure == config.OnFailureBlock, limit: cfg.RetryFor,
	}
}

// decision is what to do after a failed attempt.
type decision int

const (
	retryInChat   decision = iota // try again after the delay, and let the chat wait
	retryParked                   // park the event for the delay
	buryExhausted                 // it has had all its attempts
	buryRefused                   // another attempt is of no use
)

// outcome is the decision as metrics name it.
func (d decision) outcome() string {
	switch d {
	case retryParked:
		return metrics.OutcomeParked
	case buryExhausted:
		return metrics.OutcomeExhausted
	case buryRefused:
		return metrics.OutcomeRefused
	case retryInChat:
	}
	return metrics.OutcomeRetried
}

// decide decides about an event whose attempt has just failed. Attempts of earlier rounds do not count.
func (p retryPolicy) decide(d *consume.Delivery, failure error) (decision, time.Duration) {
	if errors.Is(failure, handler.ErrPermanent) {
		return buryRefused, 0
	}
	asked, hasAsked := handler.RetryDelay(failure)
	if p.block && p.ordered {
		if !hasAsked {
			asked = backoff(time.Second, d.Attempt-1, maxBlockedDelay)
		}
		return retryInChat, asked
	}
	if inChat := d.Attempt - 1; p.ordered && !d.Due && inChat < len(p.delays.InChat) {
		if !hasAsked {
			return retryInChat, p.delays.InChat[inChat]
		}
		if asked <= p.delays.InChat[len(p.delays.InChat)-1] {
			return retryInChat, asked
		}
	}
	return p.decideParked(d, asked, hasAsked)
}

// decideParked decides about an event that its chat does not wait for any more.
func (p retryPolicy) decideParked(d *consume.Delivery, asked time.Duration, hasAsked bool) (decision, time.Duration) {
	left := p.limit - time.Since(d.FirstFailedAt)
	switch {
	case left <= 0, hasAsked && asked > left:
		return buryExhausted, 0
	case hasAsked:
		return retryParked, max(asked, minParkDelay)
	}
	delay := backoff(p.delays.First, d.Attempt-1-len(p.delays.InChat), p.delays.Longest)
	delay += time.Duration((rand.Float64() - 0.5) / 2 * float64(delay)) //nolint:gosec // Chance is all that is wanted.
	return retryParked, min(delay, left)
}

// backoff doubles a delay a number of times, up to the longest. It does not overflow.
func backoff(delay time.Duration, times int, longest time.Duration) time.Duration {
	for ; times > 0 && delay < longest; times-- {
		if delay > longest/2 {
			return longest
		}
		delay *= 2
	}
	return min(delay, longest)
}
