package worker

import (
	"errors"
	"math/rand/v2"
	"time"

	"sluice.internal/shared/stream"
	"sluice.internal/worker/handler"
)

// Retries say what becomes of an event whose handler failed. Zero values mean the defaults.
type Retries struct {
	// Block lets the lane wait until the handler succeeds, instead of setting the event aside.
	Block bool
	// InLane are the delays of the tries before an event is set aside: 3 s and 6 s by default, so that order
	// survives a blip.
	InLane []time.Duration
	// First is the first delay of an event that was set aside, 30 s by default. Each next one is twice as long, up
	// to Longest, by default 3 h; a quarter more or less by chance, so that what failed together comes back apart.
	First, Longest time.Duration
	// For is how long after its first failure an event is tried again; 24 h by default. What is sent through again
	// has as long once more.
	For time.Duration
}

const (
	defaultFirst   = 30 * time.Second
	defaultLongest = 3 * time.Hour
	defaultFor     = 24 * time.Hour
	// blockedLongest is the longest delay between tries of an event that its lane waits for.
	blockedLongest = time.Minute
)

func (r Retries) complete() Retries {
	if r.InLane == nil {
		r.InLane = []time.Duration{3 * time.Second, 6 * time.Second}
	}
	if r.First == 0 {
		r.First = defaultFirst
	}
	if r.Longest == 0 {
		r.Longest = defaultLongest
	}
	if r.For == 0 {
		r.For = defaultFor
	}
	return r
}

// fate is what to do after a failed attempt.
type fate int

const (
	stayInLane fate = iota // try again after the delay, and let the lane wait
	setAside               // park it until then
	giveUp                 // it has had all its tries
	refuse                 // another try is of no use
)

// after decides about an event whose attempt has just failed. What was tried in earlier rounds does not count.
func (r Retries) after(d *stream.Delivery, failure error, ordered bool) (what fate, delay time.Duration) {
	if errors.Is(failure, handler.ErrPermanent) {
		return refuse, 0
	}
	asked, hasAsked := handler.RetryDelay(failure)
	if r.Block && ordered {
		if !hasAsked {
			asked = grown(time.Second, d.Attempt-1, blockedLongest)
		}
		return stayInLane, asked
	}
	if inLane := d.Attempt - 1; ordered && !d.Due && inLane < len(r.InLane) {
		if !hasAsked {
			return stayInLane, r.InLane[inLane]
		}
		if asked <= r.InLane[len(r.InLane)-1] {
			return stayInLane, asked
		}
	}
	return r.later(d, asked, hasAsked)
}

// leastAside is the least delay of an event that is set aside because its handler asked for one: a handler that asks
// for none, again and again, would be called as fast as the store can.
const leastAside = time.Second

// later decides when an event is tried that is not in its lane any more.
func (r Retries) later(d *stream.Delivery, asked time.Duration, hasAsked bool) (fate, time.Duration) {
	left := r.For - time.Since(d.FirstFailedAt)
	switch {
	case left <= 0, hasAsked && asked > left:
		return giveUp, 0
	case hasAsked:
		return setAside, max(asked, leastAside)
	}
	delay := grown(r.First, d.Attempt-1-len(r.InLane), r.Longest)
	delay += time.Duration((rand.Float64() - 0.5) / 2 * float64(delay)) //nolint:gosec // Chance is all that is wanted.
	return setAside, min(delay, left)
}

// grown doubles a delay a number of times, up to the longest.
func grown(delay time.Duration, times int, longest time.Duration) time.Duration {
	for ; times > 0 && delay < longest; times-- {
		if delay > longest/2 {
			return longest
		}
		delay *= 2
	}
	return min(delay, longest)
}
