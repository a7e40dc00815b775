package worker_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"sluice.internal/shared/config"
	"sluice.internal/shared/notification"
	"sluice.internal/shared/streamtest"
	"sluice.internal/worker/handler"
)

// All lanes may get a large event at once. What is not handled yet waits without its body, and has it again, to the byte,
// when its turn comes, also for its second attempt and as a dead letter.
func TestLargeEventsOfAllLanesAreHandledWithinTheMemory(t *testing.T) {
	t.Parallel()
	for name, unordered := range map[string]bool{"ordered": false, "unordered": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			const count, size, permanent = 12, 2 << 20, 7
			body := func(number int) []byte { return bytes.Repeat([]byte{byte(number)}, size) }
			var events []notification.Event
			for number := range count {
				n := notification.Notification{Origin: notification.Origin{
					Source: "green-api", Provider: "green-api", ReceivedAt: time.Now().UTC(), Body: body(number),
				}}
				events = append(events, streamtest.NewEvent(b.streams, &n, notification.Identity{
					Type: "incomingCall", Instance: "1", OrderKey: fmt.Sprint(number), Key: fmt.Sprint(number),
				}))
			}
			for i := range events {
				if _, err := b.streams.PublishEvents(b.context(), events[i:i+1]); err != nil {
					t.Fatal(err)
				}
			}
			var (
				mutex         sync.Mutex
				held, largest int
				handled       = map[string]int{}
			)
			b.start(settings{
				NoIntake: true, Unordered: unordered, MemoryLimit: 64 * config.MiB, Retries: soon(),
				Handlers: handlers(func(_ context.Context, event notification.Event) error {
					mutex.Lock()
					held++
					largest = max(largest, held)
					handled[event.Key]++
					mutex.Unlock()
					var number int
					_, _ = fmt.Sscan(event.Key, &number)
					right := bytes.Equal(event.Body, body(number))
					mutex.Lock()
					defer mutex.Unlock()
					held--
					switch {
					case !right:
						t.Errorf("event %s was handed out with %d bytes that are others", event.Key, len(event.Body))
					case number == permanent:
						return handler.Permanent(errors.New("never"))
					case event.Attempt == 1 && number%3 == 0:
						return errors.New("not the first time")
					}
					return nil
				}),
			})
			b.drain()
			mutex.Lock()
			defer mutex.Unlock()
			if largest > 2 { // A fifth of 64 MiB for bodies that take 6 MiB each.
				t.Errorf("%d bodies were held at a time", largest)
			}
			if len(handled) != count {
				t.Errorf("%d of %d events were handled", len(handled), count)
			}
			letters := b.deadLetters()
			if len(letters) != 1 || !bytes.Equal(letters[0].Body, body(permanent)) {
				t.Errorf("%d dead letters, want one with its body", len(letters))
			}
		})
	}
}
