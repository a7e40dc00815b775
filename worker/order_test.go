package worker_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/shared/config"
	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/streamtest"
	"sluice.internal/worker/handler"
)

// giveUpTime is a shutdown timeout that no handler heeds, and in which a worker gives up its partitions. Without that, the next
// one has to wait until the server has noticed.
const giveUpTime = 100 * time.Millisecond

// hand is a worker with a connection of its own.
type hand struct {
	conn *nats.Conn
	stop func() error
}

// launch starts a worker. Unlike those of start it can be cut off, and the streams may have bounds.
func (b *bench) launch(wanted settings, change ...streamtest.Change) hand {
	b.t.Helper()
	log := slog.New(slog.NewTextHandler(b.log, nil))
	conn := b.server.Connect(b.t)
	streams, err := stream.Open(b.context(), conn, streamtest.Configured(change...), log)
	if err != nil {
		b.t.Fatal(err)
	}
	w, err := wanted.make(b.context(), streams, log)
	if err != nil {
		b.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	stop := sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
	b.t.Cleanup(func() {
		if err := stop(); err != nil {
			b.t.Error(err)
		}
	})
	return hand{conn, stop}
}

// launchFor starts a worker that ends by itself, and returns what Run returned.
func (b *bench) launchFor(wanted settings) <-chan error {
	b.t.Helper()
	log := slog.New(slog.NewTextHandler(b.log, nil))
	streams, err := stream.Open(b.context(), b.server.Connect(b.t), streamtest.Configured(), log)
	if err != nil {
		b.t.Fatal(err)
	}
	w, err := wanted.make(b.context(), streams, log)
	if err != nil {
		b.t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- w.Run(b.context()) }()
	return ended
}

// accept publishes events as the intake does: that many of each chat, one of each after the other.
func (b *bench) accept(chats, from, count int) {
	b.t.Helper()
	var events []notification.Event
	for place := from; place < from+count; place++ {
		for chat := range chats {
			name := fmt.Sprintf("%d@c.us", chat)
			n := notification.Notification{Origin: notification.Origin{Source: "green-api", Provider: "green-api", ReceivedAt: time.Now().UTC(), Body: []byte("{}")}}
			events = append(events, streamtest.NewEvent(b.streams, &n, notification.Identity{
				Type: "incomingCall", Instance: "1", OrderKey: name, Key: fmt.Sprintf("%s/%d", name, place),
			}))
		}
	}
	for batch := range slices.Chunk(events, 200) {
		stored, err := b.streams.PublishEvents(b.context(), batch)
		if err != nil || len(stored) != len(batch) {
			b.t.Fatalf("%d of %d events stored, error %v", len(stored), len(batch), err)
		}
	}
}

// effects watch what handlers do in all workers together.
type effects struct {
	mutex sync.Mutex
	under map[string]int   // how many handle an event of the chat right now
	seen  map[string]bool  // by key
	chats map[string][]int // the places of each chat's events, as each was handled first
	total atomic.Int64     // of first effects
	twice []string         // chats that two handled an event of at the same time
}

func newEffects() *effects {
	return &effects{under: map[string]int{}, seen: map[string]bool{}, chats: map[string][]int{}}
}

func (e *effects) begin(event *notification.Event) {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	if e.under[event.OrderKey]++; e.under[event.OrderKey] > 1 {
		e.twice = append(e.twice, event.Key)
	}
}

func (e *effects) end(event *notification.Event) {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	e.under[event.OrderKey]--
	if !e.seen[event.Key] {
		e.seen[event.Key] = true
		chat, place, _ := strings.Cut(event.Key, "/")
		var number int
		_, _ = fmt.Sscan(place, &number)
		e.chats[chat] = append(e.chats[chat], number)
		e.total.Add(1)
	}
}

// await waits until that many events have been handled.
func (e *effects) await(ctx context.Context, t *testing.T, count int) {
	t.Helper()
	for e.total.Load() < int64(count) {
		select {
		case <-ctx.Done():
			t.Fatalf("%d events handled, want %d", e.total.Load(), count)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// check holds what was handled against the promise of order.
func (e *effects) check(t *testing.T, chats, count int) {
	t.Helper()
	e.mutex.Lock()
	defer e.mutex.Unlock()
	if len(e.twice) > 0 {
		t.Errorf("handled by two at a time: %v", e.twice)
	}
	if len(e.chats) != chats {
		t.Errorf("%d chats, want %d", len(e.chats), chats)
	}
	for chat, places := range e.chats {
		if len(places) != count || !slices.IsSorted(places) {
			t.Errorf("chat %s has %d of %d events, in the order %v", chat, len(places), count, places)
		}
	}
}

func TestWorkersShareAllPartitionsFairly(t *testing.T) {
	t.Parallel()
	for _, workers := range []int{2, 4} {
		t.Run(fmt.Sprint(workers), func(t *testing.T) {
			t.Parallel()
			b, seen := newBench(t), newEffects()
			shares := make([]atomic.Int64, workers)
			for number := range workers {
				b.launch(seen.working(&shares[number]))
			}
			b.awaitShares(seen, shares, 0)
		})
	}
}

func TestWorkerThatJoinsGetsAShare(t *testing.T) {
	t.Parallel()
	b, seen := newBench(t), newEffects()
	const count = 100
	shares := make([]atomic.Int64, 2) // of the early one and of the late one
	b.launch(seen.working(&shares[0]))
	b.accept(sharedChats, 0, count)
	seen.await(b.context(), t, sharedChats)
	b.launch(seen.working(&shares[1]))
	b.awaitShares(seen, shares, count)
}

// working are the settings of a worker that counts what it handles.
func (e *effects) working(share *atomic.Int64) settings {
	return settings{NoIntake: true, Handlers: handlers(func(_ context.Context, event notification.Event) error {
		e.begin(&event)
		defer e.end(&event)
		share.Add(1)
		time.Sleep(2 * time.Millisecond)
		return nil
	})}
}

// sharedChats is how many chats workers share in tests about that: enough for each partition to have some.
const sharedChats = 40

// awaitShares accepts events, of each chat so many more than it has, until each worker handles a fourth of its fair share of
// what comes, or more. How soon that is depends on how busy the machine is; in which order chats are handled does not.
func (b *bench) awaitShares(seen *effects, shares []atomic.Int64, count int) {
	b.t.Helper()
	const round = 25
	for ctx := b.context(); ; {
		before := make([]int64, len(shares))
		for number := range shares {
			before[number] = shares[number].Load()
		}
		b.accept(sharedChats, count, round)
		count += round
		seen.await(ctx, b.t, sharedChats*count)
		least := int64(sharedChats * round)
		for number := range shares {
			least = min(least, shares[number].Load()-before[number])
		}
		if least >= int64(sharedChats*round/len(shares)/4) {
			break
		}
	}
	seen.check(b.t, sharedChats, count)
}

func TestFirstEffectsOfAChatAreInOrderHoweverWorkersComeAndGo(t *testing.T) {
	t.Parallel()
	// With the most of them there are more workers than partitions.
	for seed, most := range []int{2, 4, 9} {
		t.Run(fmt.Sprint(most), func(t *testing.T) {
			t.Parallel()
			comeAndGo(t, rand.New(rand.NewPCG(uint64(seed), 2)), most)
		})
	}
}

// comeAndGo runs up to most workers at a time.
func comeAndGo(t *testing.T, chance *rand.Rand, most int) {
	t.Helper()
	b, seen := newBench(t), newEffects()
	const chats, rounds, each = 30, 8, 8
	var pauses atomic.Int64
	settings := settings{NoIntake: true, Handlers: handlers(func(_ context.Context, event notification.Event) error {
		seen.begin(&event)
		defer seen.end(&event)
		time.Sleep(time.Duration(pauses.Add(1)%7) * time.Millisecond / 2)
		return nil
	})}
	var hands []hand
	for round := range rounds {
		b.accept(chats, round*each, each)
		for want := 1 + chance.IntN(most); len(hands) < want; {
			hands = append(hands, b.launch(settings))
		}
		seen.await(b.context(), t, round*chats*each+chance.IntN(chats*each/2)) // Something of this round is done.
		for range chance.IntN(len(hands) + 1) {
			leaving := chance.IntN(len(hands))
			leave(t, hands[leaving], chance.IntN(4) == 0)
			hands = slices.Delete(hands, leaving, leaving+1)
		}
		if len(hands) == 0 {
			hands = append(hands, b.launch(settings))
		}
	}
	seen.await(b.context(), t, chats*rounds*each)
	seen.check(t, chats, rounds*each)
}

// leave stops a worker, or cuts it off before, so that its outcomes do not arrive any more.
func leave(t *testing.T, leaving hand, crash bool) {
	t.Helper()
	if crash {
		leaving.conn.Close()
	}
	if err := leaving.stop(); err != nil {
		t.Error(err)
	}
}

func TestEventThatCouldNotBeKeptBeforeTheEndComesAgain(t *testing.T) {
	t.Parallel()
	for name, failure := range map[string]error{"parked": errors.New("no"), "buried": handler.Permanent(errors.New("no"))} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			unserve := unserved(b, map[string]string{"parked": stream.Retries, "buried": stream.DeadLetters}[name])
			unserve(true)
			var failed atomic.Int64
			stop := b.start(settings{
				NoIntake: true, ShutdownTimeout: giveUpTime, Retries: retries{InChat: []time.Duration{}},
				Handlers: handlers(func(context.Context, notification.Event) error {
					failed.Add(1)
					return failure
				}),
			})
			b.accept(1, 0, 2)
			b.awaitLog("setting aside for group default is in trouble")
			if err := stop(); err != nil {
				t.Fatal(err)
			}
			if failed.Load() != 1 {
				t.Errorf("%d events were handled, want 1: the chat waits", failed.Load())
			}
			unserve(false)
			seen := newEffects()
			b.start(settings{NoIntake: true, Handlers: handlers(func(_ context.Context, event notification.Event) error {
				seen.begin(&event)
				defer seen.end(&event)
				return nil
			})})
			b.drain()
			seen.check(t, 1, 2)
		})
	}
}

// unserved returns a function that keeps a stream from taking any message, or has it take them again.
func unserved(b *bench, name string) (set func(bool)) {
	b.unmanaged = true
	var before jetstream.StreamConfig
	return func(on bool) {
		b.t.Helper()
		opened, err := b.streams.JetStream().Stream(b.context(), name)
		if err != nil {
			b.t.Fatal(err)
		}
		config := before
		if on {
			before = opened.CachedInfo().Config
			config = before
			config.Subjects = map[string][]string{stream.Retries: {"due.>"}, stream.DeadLetters: {"nobody.>"}}[name]
		}
		if _, err := b.streams.JetStream().UpdateStream(b.context(), config); err != nil {
			b.t.Fatal(err)
		}
	}
}

// awaitLog waits until the workers have said so.
func (b *bench) awaitLog(text string) {
	b.t.Helper()
	for ctx := b.context(); !strings.Contains(b.log.String(), text); {
		select {
		case <-ctx.Done():
			b.t.Fatalf("nobody said %q, log:\n%s", text, b.log)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func TestChatWhoseDeadLetterCanNotBeStoredWaitsAndGoesOnByItself(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	unserve := unserved(b, stream.DeadLetters)
	unserve(true)
	var handled atomic.Int64
	b.start(settings{NoIntake: true, Handlers: handlers(func(context.Context, notification.Event) error {
		handled.Add(1)
		return handler.Permanent(errors.New("no"))
	})})
	b.accept(1, 0, 3)
	b.awaitLog("setting aside for group default is in trouble")
	if handled.Load() != 1 {
		t.Errorf("%d events were handled, want 1: the chat waits", handled.Load())
	}
	unserve(false)
	b.drain()
	if letters := b.deadLetters(); len(letters) != 3 || handled.Load() != 3 {
		t.Errorf("%d dead letters of %d events, want 3 of 3", len(letters), handled.Load())
	}
}

func TestFullStreamOfRetriesMakesChatsWaitAndLosesNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var (
		broken atomic.Bool
		seen   = newEffects()
	)
	broken.Store(true)
	b.launch(settings{
		NoIntake: true,
		Retries:  retries{InChat: []time.Duration{}, First: 10 * time.Millisecond, Longest: 100 * time.Millisecond},
		Handlers: handlers(func(_ context.Context, event notification.Event) error {
			seen.begin(&event)
			if broken.Load() {
				seen.mutex.Lock()
				defer seen.mutex.Unlock()
				seen.under[event.OrderKey]--
				return errors.New("the database is away")
			}
			seen.end(&event)
			return nil
		}),
	}, func(s *config.Streams) { s.Retries.MaxBytes = 4 << 10 })
	const chats = 20
	count := 0
	for ctx := b.context(); !strings.Contains(b.log.String(), "the stream is full"); count++ {
		if ctx.Err() != nil {
			t.Fatalf("%d events found capacity in 4 KiB", chats*count)
		}
		b.accept(chats, count, 1)
		time.Sleep(50 * time.Millisecond) // How full it is, is not looked for each event.
	}
	broken.Store(false) // What is due is handled from now on, and so frees capacity.
	b.drain()
	if letters := b.deadLetters(); len(letters) != 0 || seen.total.Load() != int64(chats*count) {
		t.Errorf("%d events handled and %d dead letters, want %d and none", seen.total.Load(), len(letters), chats*count)
	}
}

// A chat whose handler fails is tried again while its later events wait, and others go on; nobody else is in between.
func TestChatIsSerialAndTriesStayInIt(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	seen := make(chan string, 10)
	b.start(settings{
		NoIntake: true, Retries: retries{InChat: []time.Duration{50 * time.Millisecond}},
		Handlers: handlers(func(_ context.Context, event notification.Event) error {
			seen <- fmt.Sprintf("%s#%d", event.Key, event.Attempt)
			if event.Key == "0@c.us/1" && event.Attempt == 1 {
				return errors.New("not yet")
			}
			return nil
		}),
	})
	b.accept(1, 0, 3)
	for _, want := range []string{"0@c.us/0#1", "0@c.us/1#1", "0@c.us/1#2", "0@c.us/2#1"} {
		select {
		case got := <-seen:
			if got != want {
				t.Errorf("handled %s, want %s", got, want)
			}
		case <-b.context().Done():
			t.Fatalf("waited in vain for %s", want)
		}
	}
}
