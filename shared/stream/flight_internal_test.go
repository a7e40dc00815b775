package stream

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestCallersShareOneCallAndItsResult(t *testing.T) {
	t.Parallel()
	f := newFlight[int](time.Hour, time.Hour)
	var calls atomic.Int64
	proceed := make(chan struct{})
	var waiting sync.WaitGroup
	for range 8 {
		waiting.Go(func() {
			got, err := f.do(t.Context(), func(context.Context) (int, error) {
				calls.Add(1)
				<-proceed
				return 7, nil
			})
			if got != 7 || err != nil {
				t.Errorf("got %d, %v", got, err)
			}
		})
	}
	close(proceed)
	waiting.Wait()
	if calls.Load() != 1 {
		t.Errorf("%d calls, want 1", calls.Load())
	}
}

func TestCallerWhoseTimeEndsDoesNotEndTheCall(t *testing.T) {
	t.Parallel()
	f := newFlight[int](time.Hour, time.Hour)
	proceed, begun := make(chan struct{}), make(chan struct{})
	ctx, hangUp := context.WithCancel(t.Context())
	go func() {
		<-begun
		hangUp()
	}()
	_, err := f.do(ctx, func(ctx context.Context) (int, error) {
		close(begun)
		<-proceed
		return 7, ctx.Err()
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("the caller that is gone got %v", err)
	}
	close(proceed)
	got, err := f.do(t.Context(), func(context.Context) (int, error) { return 0, errors.New("called again") })
	if got != 7 || err != nil {
		t.Errorf("the next caller got %d, %v, want the result of the call under way", got, err)
	}
}

func TestWaiterHeedsItsOwnDeadline(t *testing.T) {
	t.Parallel()
	f := newFlight[int](time.Hour, time.Hour)
	proceed := make(chan struct{})
	defer close(proceed)
	f.begin(t.Context(), func(context.Context) (int, error) { <-proceed; return 0, nil })
	ended, end := context.WithCancel(t.Context())
	end()
	if _, err := f.do(ended, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the waiter's own end", err)
	}
}

func TestFailureIsNotKeptWhereItMustNotBe(t *testing.T) {
	t.Parallel()
	f := newFlight[int](time.Hour, time.Hour)
	f.forgetFailures = true
	failed := errors.New("failed")
	if _, err := f.do(t.Context(), func(context.Context) (int, error) { return 0, failed }); !errors.Is(err, failed) {
		t.Errorf("got %v", err)
	}
	if got, err := f.do(t.Context(), func(context.Context) (int, error) { return 7, nil }); got != 7 || err != nil {
		t.Errorf("after the failure: %d, %v", got, err)
	}
}
