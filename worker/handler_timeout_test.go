package worker_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/worker/handler"
)

// limited are handlers with a time limit of their own for one type.
type limited struct {
	handlers
	timeouts map[string]time.Duration
}

func (l limited) Timeout(_, kind string) time.Duration { return l.timeouts[kind] }

func TestHandlerThatTakesTooLongHasFailed(t *testing.T) {
	t.Parallel()
	for name, timeouts := range map[string]map[string]time.Duration{"configured": nil, "of its type": {"incomingCall": 20 * time.Millisecond}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			wanted := settings{
				NoIntake: true, Retries: retries{InChat: []time.Duration{time.Millisecond}, First: time.Hour},
				Handlers: limited{func(ctx context.Context, event notification.Event) error {
					if event.Attempt > 1 {
						return nil
					}
					<-ctx.Done()
					return ctx.Err()
				}, timeouts},
			}
			if timeouts == nil {
				wanted.HandlerTimeout = 20 * time.Millisecond
			}
			b.start(wanted)
			b.accept(1, 0, 1)
			b.drain()
			b.awaitLog("handler has not ended within 20ms (worker.handler_timeout)")
		})
	}
}

// A handler that does not heed its context keeps its chat, and nothing else: another event is handled in its place.
func TestHandlerThatDoesNotHeedItsTimeIsNamedAndHoldsUpItsChatAlone(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	release := make(chan struct{})
	var others, own atomic.Int64
	b.start(settings{
		NoIntake: true, Concurrency: 1, HandlerTimeout: 10 * time.Millisecond,
		Handlers: handlers(func(_ context.Context, event notification.Event) error {
			switch {
			case event.Key == "0@c.us/0":
				<-release
			case event.OrderKey == "0@c.us":
				own.Add(1)
			default:
				others.Add(1)
			}
			return nil
		}),
	})
	b.accept(1, 0, 2)
	b.awaitLog("handler runs on although its time is over")
	b.accept(5, 2, 1)
	awaitCount(b, &others, 4)
	workers, err := b.streams.Workers(b.context())
	if err != nil || len(workers) != 1 || len(workers[0].Heedless) != 1 || workers[0].Heedless[0].Type != "incomingCall" {
		t.Errorf("workers %+v, error %v", workers, err)
	}
	if own.Load() != 0 {
		t.Error("the chat did not wait for its handler")
	}
	close(release)
	b.drain()
	if own.Load() != 2 {
		t.Errorf("%d of 2 later events of the chat were handled", own.Load())
	}
}

func TestWorkerEndsWhenTooManyHandlersDoNotHeedTheirTime(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	release := make(chan struct{})
	t.Cleanup(sync.OnceFunc(func() { close(release) }))
	h := b.launchFor(settings{
		NoIntake: true, HandlerTimeout: 10 * time.Millisecond, ShutdownTimeout: 10 * time.Millisecond,
		Handlers: handlers(func(context.Context, notification.Event) error {
			<-release
			return nil
		}),
	})
	b.accept(70, 0, 1)
	select {
	case err := <-h:
		if err == nil || !strings.Contains(err.Error(), "handlers run on although their time is over") {
			t.Errorf("ended with %v", err)
		}
	case <-b.context().Done():
		t.Fatal("the worker does not end")
	}
}

func TestPanicOfAnyHandlerIsAnError(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.start(settings{
		NoIntake: true, Retries: soon(),
		Handlers: handlers(func(_ context.Context, event notification.Event) error {
			switch event.Attempt {
			case 1:
				panic("no")
			case 2: // What was thrown says nothing about whether another try helps.
				panic(handler.Permanent(errors.New("never")))
			}
			return nil
		}),
	})
	b.accept(1, 0, 1)
	b.drain()
	b.awaitLog("handler panicked: no")
	b.awaitLog("handler panicked: never")
	b.awaitLog("handler_timeout_test.go") // In the stack.
}
