package handler

import (
	"errors"
	"time"
)

// ErrPermanent is what every error from [Permanent] is, also inside of other errors.
var ErrPermanent = errors.New("permanent")

// Permanent says that another try is of no use: the event becomes a dead letter at once. The text stays that of err.
// Permanent wins over everything that is wrapped around it or joined with it.
//
// Permanent(nil) is nil, so that a result can be passed through: return Permanent(parse(event.Raw)).
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return &permanentError{err}
}

type permanentError struct{ error }

func (p *permanentError) Unwrap() error        { return p.error }
func (p *permanentError) Is(target error) bool { return target == ErrPermanent }

// RetryAfter asks for the next try no sooner than after the delay, instead of at the worker's own pace; a delay
// below zero counts as zero. It buys no more tries than the worker allows. The text stays that of err.
//
// RetryAfter(d, nil) is nil, so that a result can be passed through. To wait though nothing went wrong, give it an
// error that says why.
func RetryAfter(delay time.Duration, err error) error {
	if err == nil {
		return nil
	}
	return &retryError{err, max(delay, 0)}
}

type retryError struct {
	error
	delay time.Duration
}

func (r *retryError) Unwrap() error { return r.error }

// RetryDelay returns the delay that err asks for; ok is false when it asks for none or is permanent. Of several
// delays the outermost counts, and the first of those that are joined.
func RetryDelay(err error) (delay time.Duration, ok bool) {
	if errors.Is(err, ErrPermanent) {
		return 0, false
	}
	retry, ok := errors.AsType[*retryError](err)
	if !ok {
		return 0, false
	}
	return retry.delay, true
}
