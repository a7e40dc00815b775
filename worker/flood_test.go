package worker_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/consume"
	"sluice.internal/shared/streamtest"
)

// flood stores so many events of a chat and returns its lane.
func (b *bench) flood(chat string, from, count int) (lane int) {
	b.t.Helper()
	for places := range slices.Chunk(slices.Collect(sequence(from, count)), 500) {
		events := make([]notification.Event, len(places))
		for i, place := range places {
			events[i] = b.eventOf(chat, place)
			lane = events[i].Lane
		}
		if _, err := b.streams.PublishEvents(b.context(), events); err != nil {
			b.t.Fatal(err)
		}
	}
	return lane
}

func sequence(from, count int) func(yield func(int) bool) {
	return func(yield func(int) bool) {
		for place := from; place < from+count && yield(place); place++ {
		}
	}
}

func (b *bench) eventOf(chat string, place int) notification.Event {
	n := notification.Notification{Origin: notification.Origin{Source: "green-api", Provider: "green-api", ReceivedAt: time.Now().UTC(), Body: []byte("{}")}}
	return streamtest.NewEvent(b.streams, &n, notification.Identity{
		Type: "incomingCall", Instance: "1", OrderKey: chat, Key: fmt.Sprintf("%s/%d", chat, place),
	})
}

// neighbour returns a chat of the same lane as another one.
func (b *bench) neighbour(chat string) string {
	lane := b.eventOf(chat, 0).Lane
	for number := 0; ; number++ {
		if name := fmt.Sprintf("neighbour-%d", number); b.eventOf(name, 0).Lane == lane {
			return name
		}
	}
}

// handedOut returns how many events of a lane are in somebody's hands.
func (b *bench) handedOut(lane int) int {
	b.t.Helper()
	opened, err := b.streams.JetStream().Stream(b.context(), stream.Events)
	if err != nil {
		b.t.Fatal(err)
	}
	consumers, err := stream.ListConsumers(b.context(), opened)
	if err != nil {
		b.t.Fatal(err)
	}
	i := slices.IndexFunc(consumers, func(info *jetstream.ConsumerInfo) bool { return stream.CoversLane(info, lane) })
	return consumers[i].NumAckPending
}

func TestFloodInOneChatTakesNeitherWindowNorOthersTurns(t *testing.T) {
	t.Parallel()
	b, seen := newBench(t), newEffects()
	const count = consume.MaxHeld + 1000 // More than the server hands out.
	release, neighbour := make(chan struct{}), b.neighbour("flood")
	settings := settings{NoIntake: true, ShutdownTimeout: giveUpTime, Handlers: handlers(func(ctx context.Context, event notification.Event) error {
		seen.begin(&event)
		if event.OrderKey == "flood" {
			select {
			case <-release:
			case <-ctx.Done():
				seen.drop(&event)
				return ctx.Err()
			}
		}
		seen.end(&event)
		return nil
	})}
	b.launch(settings)
	lane := b.flood("flood", 0, count)
	for place := range 3 {
		b.flood(neighbour, place, 1)
		seen.await(b.context(), t, place+1)
	}
	streamtest.Eventually(b.context(), t, "little to be held", func() bool { return b.handedOut(lane) < 64 })
	status, err := b.streams.Operator().Inspect(b.context())
	if err != nil {
		t.Fatal(err)
	}
	if aside := status.Groups[0].Aside; len(aside) != 1 || aside[0].Instance() != "1" || aside[0].Waiting < count/2 || status.Groups[0].Waiting < count/2 {
		t.Errorf("status says that %+v is aside and %d wait", aside, status.Groups[0].Waiting)
	}
	close(release)
	b.drain()
	b.checkChat(seen, "flood", count)
	b.checkChat(seen, neighbour, 3)
}

// drop notes that an event was given up.
func (e *effects) drop(event *notification.Event) {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	e.under[event.OrderKey]--
}

// checkChat holds what was handled of a chat against the promise of order.
func (b *bench) checkChat(seen *effects, chat string, count int) {
	b.t.Helper()
	seen.mutex.Lock()
	defer seen.mutex.Unlock()
	if len(seen.twice) > 0 {
		b.t.Errorf("handled by two at a time: %v", seen.twice)
	}
	if places := seen.chats[chat]; len(places) != count || !slices.IsSorted(places) {
		b.t.Errorf("chat %s has %d of %d events, in order %t", chat, len(places), count, slices.IsSorted(places))
	}
}

func TestFloodStaysInOrderHoweverWorkersComeAndGo(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			b, seen := newBench(t), newEffects()
			chance := rand.New(rand.NewPCG(seed, 3))
			settings := settings{NoIntake: true, Handlers: handlers(func(_ context.Context, event notification.Event) error {
				seen.begin(&event)
				defer seen.end(&event)
				time.Sleep(time.Millisecond)
				return nil
			})}
			var hands []hand
			const rounds, burst = 4, 2500
			for round := range rounds {
				for len(hands) < 1+chance.IntN(3) {
					hands = append(hands, b.launch(settings))
				}
				b.flood("flood", round*burst, burst)
				b.accept(10, round*5, 5)
				seen.await(b.context(), t, round*burst+chance.IntN(burst))
				for range chance.IntN(len(hands) + 1) {
					leaving := chance.IntN(len(hands))
					leave(t, hands[leaving], chance.IntN(3) == 0)
					hands = slices.Delete(hands, leaving, leaving+1)
				}
			}
			b.launch(settings)
			b.drain()
			b.checkChat(seen, "flood", rounds*burst)
			delete(seen.chats, "flood")
			seen.check(t, 10, rounds*5)
			if !strings.Contains(b.log.String(), "chat set aside") {
				t.Error("the chat was never set aside")
			}
		})
	}
}

func TestWorkerThatWasFrozenBeginsNothingOfAFloodThatAnotherHasHandled(t *testing.T) {
	t.Parallel()
	b, seen := newBench(t), newEffects()
	frozen, stop := b.spawn()
	const count, before = 6000, 500
	b.flood("flood", 0, count)
	awaitCount(b, &frozen.total, before)
	if err := frozen.command.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	var mutex sync.Mutex
	ended := map[string]time.Time{}
	b.launch(settings{NoIntake: true, Handlers: handlers(func(_ context.Context, event notification.Event) error {
		seen.begin(&event)
		defer seen.end(&event)
		mutex.Lock()
		defer mutex.Unlock()
		ended[event.Key] = time.Now()
		return nil
	})})
	seen.await(b.context(), t, count/2)
	if err := frozen.command.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	b.drain()
	stop()
	frozen.mutex.Lock()
	defer frozen.mutex.Unlock()
	handled := len(ended)
	for key, begins := range frozen.began {
		if _, both := ended[key]; !both {
			handled++
		}
		for _, began := range begins {
			if end, both := ended[key]; both && began.After(end) {
				t.Errorf("%s was begun %s after another worker had handled it", key, began.Sub(end))
			}
		}
	}
	if handled != count {
		t.Errorf("%d of %d events were handled", handled, count)
	}
}
