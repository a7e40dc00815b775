package stream

import (
	"context"
	"sync"
	"time"
)

// flight makes one call on behalf of all who ask at the same time, and keeps its result for a while.
//
// The call has a timeout of its own and belongs to no caller: one whose context ends gets its own error and leaves
// the call alone. So nobody's haste decides what the others are told, and nobody waits longer than it wants to.
type flight[T any] struct {
	valid   time.Duration
	timeout time.Duration
	// forgetFailures makes the next caller call again after a failure, instead of getting the same error.
	forgetFailures bool

	mutex  sync.Mutex
	latest *flightCall[T] // nil before the first call
}

// flightCall is one call. Its fields are written before done is closed and only read after that.
type flightCall[T any] struct {
	done   chan struct{}
	ended  time.Time
	result T
	err    error
}

// newFlight returns a flight whose results count for so long and whose calls may take so long.
func newFlight[T any](valid, timeout time.Duration) *flight[T] {
	return &flight[T]{valid: valid, timeout: timeout}
}

// do returns the latest result while it is valid, else that of a new call or of the one under way. When the context
// ends first it returns the context's cause.
func (f *flight[T]) do(ctx context.Context, call func(context.Context) (T, error)) (T, error) {
	current := f.begin(ctx, call)
	select {
	case <-current.done:
		return current.result, current.err
	default:
	}
	select {
	case <-current.done:
		return current.result, current.err
	case <-ctx.Done():
		var none T
		return none, context.Cause(ctx)
	}
}

// begin makes sure that there is a call under way or a valid result, and returns that without waiting.
func (f *flight[T]) begin(ctx context.Context, call func(context.Context) (T, error)) *flightCall[T] {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if f.latest != nil && f.isCurrent(f.latest) {
		return f.latest
	}
	current := &flightCall[T]{done: make(chan struct{})}
	f.latest = current
	go func() {
		defer close(current.done)
		bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), f.timeout)
		defer cancel()
		current.result, current.err = call(bounded)
		current.ended = time.Now()
	}()
	return current
}

// isCurrent reports whether a call is under way or its result is valid.
func (f *flight[T]) isCurrent(c *flightCall[T]) bool {
	select {
	case <-c.done:
		return time.Since(c.ended) < f.valid && (c.err == nil || !f.forgetFailures)
	default:
		return true
	}
}
