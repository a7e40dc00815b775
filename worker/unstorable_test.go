package worker_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
	"sluice.internal/worker/handler"
)

// lowered is the largest body, in bytes, after an operator has lowered the limit. The intake asks for two messages of
// stream.HeaderReserve more at most, which is less than five times as much.
const lowered = 128 << 10

// bigCall is a valid notification of a size.
func bigCall(instance int, id string, size int) string {
	body := fmt.Sprintf(call, instance, id)
	return strings.Replace(body, `"from":`, `"more":"`+strings.Repeat("x", size-len(body))+`","from":`, 1)
}

// lowerLimit restarts the server with another max_payload.
func (b *bench) lowerLimit(body int) {
	b.t.Helper()
	b.server.Stop()
	b.server.SetMaxPayload(body + stream.HeaderReserve)
	b.server.Resume(b.t)
	for ctx := b.context(); b.streams.Ready(ctx) != nil; {
		if ctx.Err() != nil {
			b.t.Fatal("the store does not come back")
		}
	}
}

// digest is what a dead letter says about a body that it lacks.
func digest(body string) string {
	sum := sha256.Sum256([]byte(body))
	return hex.EncodeToString(sum[:])
}

func TestNotificationTooLargeForTheStoreHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	for name, size := range map[string]int{"a little": 2 * lowered, "larger than a whole request": 5 * lowered} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			large := bigCall(1, "large", size)
			b.send(fmt.Sprintf(call, 1, "before"), large, large, fmt.Sprintf(call, 1, "behind"))
			b.lowerLimit(lowered)
			b.start(settings{})
			b.drain()
			if events := b.events(); len(events) != 2 {
				t.Errorf("%d events, want the 2 small ones", len(events))
			}
			letters := b.deadLetters()
			if len(letters) != 2 {
				t.Fatalf("%d dead letters, want 2", len(letters))
			}
			for i, letter := range letters {
				if letter.Reason != notification.ReasonUnstorable || letter.Group != "" || letter.NotificationSequence != uint64(2+i) ||
					letter.BodySize != len(large) || letter.BodySHA256 != digest(large) || len(letter.Body) != 0 ||
					!strings.Contains(letter.Error, "max_payload") {
					t.Errorf("dead letter %+v", letter)
				}
			}
			b.awaitAlert()
			if !strings.Contains(b.log.String(), "level=ERROR msg=\"notification can't be stored as an event, kept as a dead letter\"") {
				t.Errorf("log:\n%s", b.log)
			}
			b.retryAll()
			b.drain()
			if events := b.events(); len(events) != 3 || string(events[2].Body) != large {
				t.Errorf("%d events after the limit was raised again, want the large one too", len(events))
			}
		})
	}
}

// retryAll raises the limit again and sends all dead letters through.
func (b *bench) retryAll() {
	b.t.Helper()
	b.lowerLimit(8 << 20)
	for _, letter := range b.deadLetters() {
		if _, err := b.streams.RetryDeadLetter(b.context(), &letter, "me"); err != nil {
			b.t.Fatal(err)
		}
	}
}

func TestInvalidNotificationTooLargeForTheStoreIsADeadLetterWithoutItsBody(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	large := strings.Repeat("x", 2*lowered)
	b.send(large)
	b.lowerLimit(lowered)
	b.start(settings{})
	b.drain()
	letters := b.deadLetters()
	if len(letters) != 1 || letters[0].Reason != notification.ReasonInvalid || letters[0].BodySHA256 != digest(large) {
		t.Errorf("dead letters %+v", letters)
	}
}

func TestEventTooLargeForTheStoreHoldsUpNoLane(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		failure error
		reason  string
	}{
		"to be set aside": {errors.New("not now"), notification.ReasonUnstorable},
		"to be buried":    {handler.Permanent(errors.New("never")), notification.ReasonRefused},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			large := bigCall(1, "large", 2*lowered)
			stop := b.start(settings{NoHandlers: true})
			b.send(large, fmt.Sprintf(call, 1, "behind"))
			b.drain() // What the server has not been told of when it stops, nobody would take in again.
			if err := stop(); err != nil {
				t.Fatal(err)
			}
			b.lowerLimit(lowered)
			handled := make(chan string, 10)
			b.start(settings{
				NoIntake: true, Retries: retries{InChat: []time.Duration{}},
				Handlers: handlers(func(_ context.Context, event notification.Event) error {
					if string(event.Body) == large && !event.Replayed && event.Round == "" {
						return test.failure
					}
					handled <- event.Key
					return nil
				}),
			})
			b.drain()
			letters := b.deadLetters()
			if len(letters) != 1 || letters[0].Reason != test.reason || letters[0].Group != "default" ||
				letters[0].BodySize != len(large) || letters[0].BodySHA256 != digest(large) ||
				!strings.Contains(letters[0].Error, test.failure.Error()) {
				t.Fatalf("dead letters %+v", letters)
			}
			if len(handled) != 1 {
				t.Errorf("%d events were handled, want the one behind", len(handled))
			}
			b.retryAll()
			b.drain()
			if len(handled) != 2 {
				t.Errorf("%d events were handled after the limit was raised again, want 2", len(handled))
			}
		})
	}
}
