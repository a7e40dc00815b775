package worker_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/admin"
)

func TestRetriedDeadLetterHasAllItsTriesAnew(t *testing.T) {
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
			seen = append(seen, fmt.Sprintf("%d/%d", event.Attempt, len(event.History)))
			if event.Attempt < 3 {
				return errors.New("not yet")
			}
			return nil
		}),
	})
	// It failed for the first time long before all that a round may take.
	past := notification.Event{Identity: notification.Identity{Type: "incomingCall", Key: "key"}, Sequence: 7}
	past.FirstFailedAt, past.Attempt = time.Now().Add(-72*time.Hour), 40
	for i := range past.Attempt {
		past.History = append(past.History, notification.Try{At: past.FirstFailedAt, Attempt: i + 1, Error: strings.Repeat("x", 200)})
	}
	letter := notification.DeadLetter{Event: past, Reason: notification.ReasonExhausted, Group: "default", DiedAt: time.Now()}
	if err := b.streams.PublishDeadLetter(b.context(), &letter); err != nil {
		t.Fatal(err)
	}
	letter = b.deadLetters()[0]
	if _, err := b.streams.RetryDeadLetter(b.context(), &letter, "me@here"); err != nil {
		t.Fatal(err)
	}
	b.drain()
	mutex.Lock()
	defer mutex.Unlock()
	if want := "[1/40 2/41 3/42]"; fmt.Sprint(seen) != want {
		t.Errorf("handled %v, want %s", seen, want)
	}
	if letters := b.deadLetters(); len(letters) != 0 {
		t.Errorf("dead letters %+v", letters)
	}
}

func TestRoundOfARetriedDeadLetterEndsToo(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	retries := soon()
	retries.For = 50 * time.Millisecond
	b.start(settings{
		Retries:  retries,
		Handlers: handlers(func(context.Context, notification.Event) error { return errors.New("never") }),
	})
	b.send(fmt.Sprintf(call, 1, "A"))
	b.drain()
	for round := range 3 {
		letters := b.deadLetters()
		if len(letters) != 1 {
			t.Fatalf("%d dead letters after %d retries, want 1", len(letters), round)
		}
		letter := letters[0]
		if letter.Reason != notification.ReasonExhausted || letter.Attempt < 2 || len(letter.History) < letter.Attempt {
			t.Errorf("after %d retries: reason %q, attempt %d, %d in the history", round, letter.Reason, letter.Attempt, len(letter.History))
		}
		if round > 0 && letter.Round != fmt.Sprintf("dead/%d", letter.DeadSequence-1) {
			t.Errorf("letter %d is of round %q", letter.DeadSequence, letter.Round)
		}
		if _, err := b.streams.RetryDeadLetter(b.context(), &letter, "me@here"); err != nil {
			t.Fatal(err)
		}
		b.drain()
	}
	if count := usage(mustStatus(t, b), stream.DeadLetters).Messages; count != 1 {
		t.Errorf("%d dead letters, want 1", count)
	}
}

func mustStatus(t *testing.T, b *bench) admin.Status {
	t.Helper()
	status, err := b.streams.Status(b.context())
	if err != nil {
		t.Fatal(err)
	}
	return status
}
