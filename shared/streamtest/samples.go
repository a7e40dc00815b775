package streamtest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream/admin"
	"sluice.internal/shared/stream/consume"
)

// Context returns a context that ends with the test, or after a while.
func Context(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	t.Cleanup(cancel)
	return ctx
}

// Notification returns a notification of that number; different numbers are different requests.
func Notification(id int) notification.Notification {
	return notification.Notification{
		Origin: notification.Origin{
			Source: "green-api", Provider: "green-api",
			ReceivedAt: time.Date(2026, 11, 23, 7, 0, 0, id+1, time.UTC), ContentType: "application/json",
			RemoteAddress: "192.0.2.1", RequestID: fmt.Sprintf("request-%d", id),
			TraceParent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
			Body:        []byte{0, 255, '\n', byte(id)},
		},
		Type: "incomingCall", Instance: "1101000001",
	}
}

// Event returns the event of a notification of that number.
func Event(streams *Streams, id int) notification.Event {
	n := Notification(id)
	n.Sequence = uint64(id + 1)
	return NewEvent(streams, &n, notification.Identity{
		Type: n.Type, Instance: n.Instance, OrderKey: fmt.Sprint(id % 3), Key: fmt.Sprintf("key-%d", id),
		SentAt: time.Unix(1700000000, 0).UTC(),
	})
}

// NewEvent makes an event of an identity that a test knows to be one.
func NewEvent(streams *Streams, n *notification.Notification, identity notification.Identity) notification.Event {
	event, err := streams.NewEvent(n, identity)
	if err != nil {
		panic(err)
	}
	return event
}

// Collect returns everything that is read.
func Collect[T any](t *testing.T, read func(func(T, error) bool)) []T {
	t.Helper()
	var all []T
	for value, err := range read {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, value)
	}
	return all
}

// Publish stores so many notifications, numbered from a number on.
func Publish(ctx context.Context, t *testing.T, streams *Streams, from, count int) {
	t.Helper()
	for id := from; id < from+count; id++ {
		n := Notification(id)
		if _, err := streams.PublishNotification(ctx, &n); err != nil {
			t.Fatal(err)
		}
	}
}

// TakeIn reads and acknowledges that many notifications from all shards.
func TakeIn(ctx context.Context, t *testing.T, streams *Streams, count int) []notification.Notification {
	t.Helper()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var (
		group sync.WaitGroup
		mutex sync.Mutex
		all   []notification.Notification
		seen  = map[uint64]bool{}
	)
	for shard := range streams.Shards() {
		group.Go(func() {
			for ctx.Err() == nil { // A worker opens it again too.
				intake, err := streams.Intake(ctx, shard)
				var batch []consume.Received
				for err == nil {
					batch, err = intake.Next(ctx)
					mutex.Lock()
					for i := range batch {
						if seen[batch[i].Sequence] || batch[i].Ack() != nil {
							continue // It comes again.
						}
						seen[batch[i].Sequence] = true
						if all = append(all, batch[i].Notification); len(all) >= count {
							cancel()
						}
					}
					mutex.Unlock()
				}
			}
		})
	}
	group.Wait()
	if len(all) != count {
		t.Fatalf("took in %d notifications, want %d", len(all), count)
	}
	return all
}

// NextN returns the next so many notifications, or more where more come together.
func NextN(ctx context.Context, t *testing.T, intake *consume.Intake, count int) []consume.Received {
	t.Helper()
	var all []consume.Received
	for len(all) < count {
		batch, err := intake.Next(ctx)
		if err != nil {
			t.Fatalf("after %d notifications: %v", len(all), err)
		}
		all = append(all, batch...)
	}
	return all
}

// Must ends the test at an error.
func Must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// Eventually waits until done reports true.
func Eventually(ctx context.Context, t *testing.T, what string, done func() bool) {
	t.Helper()
	for !done() {
		select {
		case <-ctx.Done():
			t.Fatalf("waited in vain for %s", what)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// PublishEvents stores so many events, numbered from a number on.
func PublishEvents(ctx context.Context, t *testing.T, streams *Streams, from, count int) {
	t.Helper()
	var events []notification.Event
	for id := from; id < from+count; id++ {
		events = append(events, Event(streams, id))
	}
	if _, err := streams.PublishEvents(ctx, events); err != nil {
		t.Fatal(err)
	}
}

// Expect waits for a value and compares it.
func Expect(ctx context.Context, t *testing.T, values <-chan string, want string) {
	t.Helper()
	select {
	case got := <-values:
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	case <-ctx.Done():
		t.Fatalf("waited in vain for %s", want)
	}
}

// Bury keeps an event as a dead letter of a group, or a notification as invalid where the group is empty.
func Bury(ctx context.Context, t *testing.T, streams *Streams, event notification.Event, group string) notification.DeadLetter {
	t.Helper()
	letter := notification.DeadLetter{
		Event: event, Reason: notification.ReasonExhausted, Error: "out of order", Group: group, DiedAt: time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC),
	}
	if group == "" {
		letter.Reason = notification.ReasonInvalid
	}
	if err := streams.PublishDeadLetter(ctx, &letter); err != nil {
		t.Fatal(err)
	}
	letters := Collect(t, streams.DeadLetters(ctx, admin.Query{}))
	return letters[len(letters)-1]
}
