// Package storing stores what must not be lost, and tells a hindrance that passes from a refusal.
package storing

import (
	"context"
	"errors"
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/service"
	"sluice.internal/shared/stream"
)

const (
	// storeTimeout is how long one attempt to store something may take.
	storeTimeout = 10 * time.Second
	// refusalLimit is how long a message is offered that the store refuses for a reason of which it is not known whether
	// it passes. It bounds what one such message costs those behind it.
	refusalLimit = time.Minute
)

// refusedError is what a store said about a message that it will never take.
type refusedError struct{ error }

func (e refusedError) Unwrap() error { return e.error }

// IsRefused reports whether an error of a Storer means that trying again is of no use.
func IsRefused(err error) bool {
	var refused refusedError
	return errors.As(err, &refused)
}

// Storer tries until something is stored or refused. It is a value that callers copy and change.
type Storer struct {
	// Health tells the operator whether the store takes what it is given.
	Health *service.Condition
	// Pause is the time between two attempts.
	Pause time.Duration
	// Waiting is called before each pause; nil for nothing.
	Waiting func()
}

// Store calls attempt until it succeeds.
//
// A store that is full or does not answer is asked until the context ends: nothing is lost meanwhile, what waits would
// find no other place either, and the operator is told of both. Any other error is a refusal: at once where the message
// is too large, since that does not pass, and else after a minute. Then IsRefused is true of the error.
func (s Storer) Store(ctx context.Context, attempt func(context.Context) error) error {
	return s.offer(ctx, attempt, func(err error, offered time.Duration) bool {
		return errors.Is(err, stream.ErrTooLarge) || offered >= refusalLimit
	})
}

// StoreSmall is Store for messages that can't be too large. A stream that says so takes nothing at all, and somebody
// may be about to mend that, so that a refusal is believed after a minute only.
func (s Storer) StoreSmall(ctx context.Context, attempt func(context.Context) error) error {
	return s.offer(ctx, attempt, func(_ error, offered time.Duration) bool { return offered >= refusalLimit })
}

func (s Storer) offer(
	ctx context.Context, attempt func(context.Context) error, isFinal func(err error, offered time.Duration) bool,
) error {
	begin := time.Now()
	for {
		bounded, cancel := context.WithTimeout(ctx, storeTimeout)
		err := attempt(bounded)
		cancel()
		if err == nil {
			s.Health.Works()
			return nil
		}
		if ctx.Err() != nil {
			return err
		}
		passes := errors.Is(err, stream.ErrFull) || errors.Is(err, stream.ErrUnavailable)
		final := !passes && isFinal(err, time.Since(begin))
		if !final && s.Waiting != nil {
			s.Waiting() // Before anybody is told, who may end this process then.
		}
		s.Health.Failed(err)
		if final {
			return refusedError{err}
		}
		if service.Sleep(ctx, s.Pause) != nil {
			return err
		}
	}
}

// Bury stores a dead letter, without its body where the store refuses the whole. It returns what was stored.
func (s Storer) Bury(
	ctx context.Context, deadLetter *notification.DeadLetter, publish func(context.Context, *notification.DeadLetter) error,
) (*notification.DeadLetter, error) {
	err := s.Store(ctx, func(ctx context.Context) error { return publish(ctx, deadLetter) })
	if !IsRefused(err) {
		return deadLetter, err
	}
	reduced := deadLetter.WithoutBody()
	return &reduced, s.StoreSmall(ctx, func(ctx context.Context) error { return publish(ctx, &reduced) })
}
