package worker_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/worker/handler"
)

// soon are retries that a test can wait for.
func soon() retries {
	return retries{InChat: []time.Duration{time.Millisecond}, First: time.Millisecond, For: time.Minute}
}

func TestParkedEventComesAgainAndTheChatGoesOn(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var (
		mutex sync.Mutex
		seen  []string
	)
	b.start(settings{
		Retries: soon(),
		Handlers: handlers(func(_ context.Context, event notification.Event) error {
			mutex.Lock()
			defer mutex.Unlock()
			if strings.Contains(string(event.Body), `"idMessage":"B"`) {
				seen = append(seen, "B")
				return nil
			}
			seen = append(seen, fmt.Sprintf("A%d/%d", event.Attempt, len(event.History)))
			if event.Attempt < 5 {
				return handler.RetryAfter(time.Second*time.Duration(event.Attempt-1), fmt.Errorf("failure %d", event.Attempt))
			}
			return nil
		}),
	})
	b.send(fmt.Sprintf(call, 1, "A"), fmt.Sprintf(call, 1, "B"))
	b.drain()
	mutex.Lock()
	defer mutex.Unlock()
	if want := "[A1/0 A2/1 B A3/2 A4/3 A5/4]"; fmt.Sprint(seen) != want {
		t.Errorf("handled %v, want %s", seen, want)
	}
	if letters := b.deadLetters(); len(letters) != 0 {
		t.Errorf("dead letters %+v", letters)
	}
}

func TestDeadLetterHasTheWholeHistory(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var tries atomic.Int64
	b.start(settings{
		Retries: soon(),
		Handlers: handlers(func(context.Context, notification.Event) error {
			if n := tries.Add(1); n < 4 {
				return fmt.Errorf("failure %d", n)
			}
			return handler.Permanent(errors.New("it is hopeless"))
		}),
	})
	b.send(fmt.Sprintf(call, 1, "A"))
	b.drain()
	letters := b.deadLetters()
	if len(letters) != 1 {
		t.Fatalf("%d dead letters, want 1", len(letters))
	}
	history := letters[0].History
	if len(history) != 4 {
		t.Fatalf("history %+v", history)
	}
	for i, try := range history[:3] {
		if try.Attempt != i+1 || try.Error != fmt.Sprintf("failure %d", i+1) || try.At.IsZero() {
			t.Errorf("try %d is %+v", i, try)
		}
	}
	if last := history[3]; last.Error != "it is hopeless" || letters[0].Attempt != 4 {
		t.Errorf("letter of attempt %d ends with %+v", letters[0].Attempt, last)
	}
}

func TestBlockedChatWaitsAndKeepsItsOrder(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var (
		mutex sync.Mutex
		seen  []string
	)
	retries := soon()
	retries.Block = true
	b.start(settings{
		Retries: retries,
		Handlers: handlers(func(_ context.Context, event notification.Event) error {
			mutex.Lock()
			defer mutex.Unlock()
			seen = append(seen, fmt.Sprintf("%s/%d", event.Type, event.Attempt))
			if event.Type == "incomingCall" && event.Attempt < 4 {
				return handler.RetryAfter(time.Millisecond, errors.New("not yet"))
			}
			return nil
		}),
	})
	b.send(fmt.Sprintf(call, 1, "A"), fmt.Sprintf(call, 1, "B"))
	b.drain()
	mutex.Lock()
	defer mutex.Unlock()
	want := []string{
		"incomingCall/1", "incomingCall/2", "incomingCall/3", "incomingCall/4",
		"incomingCall/1", "incomingCall/2", "incomingCall/3", "incomingCall/4",
	}
	if fmt.Sprint(seen) != fmt.Sprint(want) {
		t.Errorf("handled %v, want %v", seen, want)
	}
}

func TestUnorderedGroupHandlesManyOfOneChatAtOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	const together = 4
	var under sync.WaitGroup
	under.Add(together)
	b.start(settings{
		Unordered: true, Concurrency: together, Retries: soon(),
		Handlers: handlers(func(_ context.Context, event notification.Event) error {
			if event.Attempt == 1 {
				under.Done()
				under.Wait() // Returns only when all are being handled.
				return errors.New("once more")
			}
			return nil
		}),
	})
	for i := range together {
		b.send(fmt.Sprintf(call, 1, fmt.Sprint("C", i)))
	}
	b.drain()
	if letters := b.deadLetters(); len(letters) != 0 {
		t.Errorf("dead letters %+v", letters)
	}
}

func TestGroupRefusesTheOtherOrder(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	if err := b.start(settings{})(); err != nil {
		t.Fatal(err)
	}
	_, err := settings{Unordered: true}.make(b.context(), b.streams.Client, slog.New(slog.DiscardHandler))
	if err == nil || !strings.Contains(err.Error(), "groups rm default") {
		t.Errorf("a worker without order joined a group that has it: %v", err)
	}
}
