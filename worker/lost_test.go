package worker_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/streamtest"
)

// A consumer that is lost is made anew, whatever the handlers of others do at that time: one of them does not return, and one
// chat fails for ever.
func TestLostConsumerConcernsItsOwnEventsAlone(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		lost      string
		unordered bool
	}{
		"a partition": {lost: "default-p3"}, "of a group without order": {lost: "default-all", unordered: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			const chats = 40
			var (
				mutex sync.Mutex
				seen  = map[string]bool{}
			)
			release := make(chan struct{})
			b.start(settings{
				NoIntake: true, Unordered: test.unordered, Retries: retries{Block: !test.unordered},
				Handlers: handlers(func(ctx context.Context, event notification.Event) error {
					switch event.OrderKey {
					case "0@c.us":
						select {
						case <-release:
						case <-ctx.Done():
						}
					case "1@c.us":
						return errors.New("never")
					}
					mutex.Lock()
					defer mutex.Unlock()
					seen[event.Key] = true
					return nil
				}),
			})
			t.Cleanup(func() { close(release) }) // Before the worker is stopped, which would wait for its handler.
			handled := func(place int) func() bool {
				return func() bool {
					mutex.Lock()
					defer mutex.Unlock()
					for chat := 2; chat < chats; chat++ {
						if !seen[fmt.Sprintf("%d@c.us/%d", chat, place)] {
							return false
						}
					}
					return true
				}
			}
			b.accept(chats, 0, 1)
			streamtest.Eventually(b.context(), t, "the first events to be handled", handled(0))
			streamtest.Must(t, b.streams.JetStream().DeleteConsumer(b.context(), stream.Events, test.lost))
			b.accept(chats, 1, 1)
			streamtest.Eventually(b.context(), t, "the events after the loss to be handled", handled(1))
			if lines := strings.Count(b.log.String(), "level=ERROR"); lines > 5 {
				t.Errorf("one lost consumer made %d lines at ERROR:\n%s", lines, b.log)
			}
		})
	}
}

// A chat with thousands of waiting events, whose handler does not end, takes nothing from others of its partition.
func TestChatThatFloodsHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	const flood, chats = 3000, 60
	release := make(chan struct{})
	var others atomic.Int64
	b.start(settings{NoIntake: true, Handlers: handlers(func(ctx context.Context, event notification.Event) error {
		if event.OrderKey != "0@c.us" {
			others.Add(1)
			return nil
		}
		select {
		case <-release:
		case <-ctx.Done():
		}
		return nil
	})})
	b.accept(1, 0, flood)
	b.accept(chats, flood, 1)
	awaitCount(b, &others, chats-1)
	close(release)
	b.drain()
}
