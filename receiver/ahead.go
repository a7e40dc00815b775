package receiver

import (
	"context"
	"errors"
	"sync"
	"time"

	"sluice.internal/shared/stream/position"
)

// goBack sets a position back that is ahead of all events, as it is once EVENTS came out of a backup: what comes next would be
// passed by without a word. The bot goes on with what was stored since it moved last.
func (r *Receiver) goBack(ctx context.Context, c call, at position.Position) error {
	if reached, err := r.ends.reached(ctx, r.settings.Positions, at.Sequence); err != nil || reached {
		return err
	}
	var err error
	to := at
	if to.Sequence, err = r.settings.Positions.Before(ctx, at.MovedAt); err != nil {
		return err
	}
	if _, err = r.settings.Positions.Move(ctx, c.bot.Name, c.instance, at, to); errors.Is(err, position.ErrMoved) {
		return nil // Another process did it.
	}
	if err == nil {
		r.states.returned(c, at, to)
	}
	return err
}

// endAge is for how long is believed that EVENTS is not shorter than it was: a thousand bots ask all the time.
const endAge = 10 * time.Second

// ends remembers the sequence of the newest event, and when it was asked for.
type ends struct {
	mutex    sync.Mutex
	sequence uint64
	askedAt  time.Time
}

// reached reports whether there is an event with the sequence, or one with a greater one.
func (e *ends) reached(ctx context.Context, positions *position.Client, sequence uint64) (bool, error) {
	e.mutex.Lock()
	known := sequence <= e.sequence && time.Since(e.askedAt) < endAge
	e.mutex.Unlock()
	if known {
		return true, nil
	}
	end, err := positions.End(ctx)
	if err != nil {
		return false, err
	}
	e.mutex.Lock()
	defer e.mutex.Unlock()
	e.sequence, e.askedAt = end, time.Now()
	return sequence <= end, nil
}
