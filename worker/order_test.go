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

	"sluice.internal/schemas"
	"sluice.internal/shared/notification"
	"sluice.internal/shared/source"
	"sluice.internal/shared/stream"
	"sluice.internal/worker"
	"sluice.internal/worker/handler"
)

// hand is a worker with a connection of its own.
type hand struct {
	conn *nats.Conn
	stop func() error
}

// hire starts a worker. Unlike those of start it can be cut off, and the streams may have bounds.
func (b *bench) hire(settings worker.Settings, bounds ...stream.Settings) hand {
	b.t.Helper()
	set, err := schemas.Load()
	if err != nil {
		b.t.Fatal(err)
	}
	settings.Schemas, settings.Providers = set, source.Providers()
	log := slog.New(slog.NewTextHandler(b.log, nil))
	conn := b.server.Connect(b.t)
	streams, err := stream.Open(b.context(), conn, append(bounds, stream.Settings{})[0], log)
	if err != nil {
		b.t.Fatal(err)
	}
	w, err := worker.New(b.context(), settings, streams, log)
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

// accept publishes events as the intake does: that many of each chat, one of each after the other.
func (b *bench) accept(chats, from, count int) {
	b.t.Helper()
	var events []notification.Event
	for place := from; place < from+count; place++ {
		for chat := range chats {
			name := fmt.Sprintf("%d@c.us", chat)
			n := notification.Notification{Source: "green-api", Provider: "green-api", ReceivedAt: time.Now().UTC(), Body: []byte("{}")}
			events = append(events, b.streams.Accept(&n, notification.Identity{
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
	lanes map[int]int      // how many handle an event of the lane right now
	seen  map[string]bool  // by key
	chats map[string][]int // the places of each chat's events, as each was handled first
	total atomic.Int64     // of first effects
	twice []string         // lanes that two handled an event of at the same time
}

func newEffects() *effects {
	return &effects{lanes: map[int]int{}, seen: map[string]bool{}, chats: map[string][]int{}}
}

func (e *effects) begin(event *notification.Event) {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	if e.lanes[event.Lane]++; e.lanes[event.Lane] > 1 {
		e.twice = append(e.twice, fmt.Sprintf("lane %d with %s", event.Lane, event.Key))
	}
}

func (e *effects) end(event *notification.Event) {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	e.lanes[event.Lane]--
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

func TestWorkersShareAllLanesFairly(t *testing.T) {
	t.Parallel()
	for _, workers := range []int{2, 4} {
		t.Run(fmt.Sprint(workers), func(t *testing.T) {
			t.Parallel()
			b, seen := newBench(t), newEffects()
			const chats, count = 40, 25
			shares := make([]atomic.Int64, workers)
			for number := range workers {
				b.hire(worker.Settings{NoIntake: true, Handlers: handlers(func(_ context.Context, event notification.Event) error {
					seen.begin(&event)
					defer seen.end(&event)
					shares[number].Add(1)
					time.Sleep(time.Millisecond)
					return nil
				})})
			}
			b.accept(chats, 0, count)
			seen.await(b.context(), t, chats*count)
			seen.check(t, chats, count)
			for number := range shares {
				if got := shares[number].Load(); got < int64(chats*count/workers/4) {
					t.Errorf("worker %d of %d handled %d events of %d", number, workers, got, chats*count)
				}
			}
		})
	}
}

func TestWorkerThatJoinsGetsAShare(t *testing.T) {
	t.Parallel()
	b, seen := newBench(t), newEffects()
	const chats, count = 40, 100
	var early, late atomic.Int64
	work := func(share *atomic.Int64) worker.Settings {
		return worker.Settings{NoIntake: true, Handlers: handlers(func(_ context.Context, event notification.Event) error {
			seen.begin(&event)
			defer seen.end(&event)
			share.Add(1)
			time.Sleep(2 * time.Millisecond)
			return nil
		})}
	}
	b.hire(work(&early))
	b.accept(chats, 0, count)
	seen.await(b.context(), t, chats)
	b.hire(work(&late))
	before := chats*count - seen.total.Load()
	seen.await(b.context(), t, chats*count)
	seen.check(t, chats, count)
	if got := late.Load(); got < before/2/4 {
		t.Errorf("the worker that joined handled %d of the %d that were left, the other %d", got, before, early.Load())
	}
}

func TestFirstEffectsOfAChatAreInOrderHoweverWorkersComeAndGo(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			comeAndGo(t, rand.New(rand.NewPCG(seed, 2)))
		})
	}
}

func comeAndGo(t *testing.T, chance *rand.Rand) {
	t.Helper()
	b, seen := newBench(t), newEffects()
	const chats, rounds, each, most = 30, 12, 10, 16
	var pauses atomic.Int64
	settings := worker.Settings{NoIntake: true, Handlers: handlers(func(_ context.Context, event notification.Event) error {
		seen.begin(&event)
		defer seen.end(&event)
		time.Sleep(time.Duration(pauses.Add(1)%7) * time.Millisecond / 2)
		return nil
	})}
	var hands []hand
	for round := range rounds {
		b.accept(chats, round*each, each)
		for want := 1 + chance.IntN(most); len(hands) < want; {
			hands = append(hands, b.hire(settings))
		}
		seen.await(b.context(), t, round*chats*each+chance.IntN(chats*each/2)) // Something of this round is done.
		for range chance.IntN(len(hands) + 1) {
			leaving := chance.IntN(len(hands))
			leave(t, hands[leaving], chance.IntN(4) == 0)
			hands = slices.Delete(hands, leaving, leaving+1)
		}
		if len(hands) == 0 {
			hands = append(hands, b.hire(settings))
		}
	}
	seen.await(b.context(), t, chats*rounds*each)
	seen.check(t, chats, rounds*each)
}

// leave stops a worker, or cuts it off before, so that its verdicts do not arrive any more.
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
			refuse := refusing(b, map[string]string{"parked": stream.Retries, "buried": stream.DeadLetters}[name])
			refuse(true)
			var failed atomic.Int64
			stop := b.start(worker.Settings{
				NoIntake: true, ShutdownTimeout: time.Millisecond, Retries: worker.Retries{InLane: []time.Duration{}},
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
				t.Errorf("%d events were handled, want 1: the lane waits", failed.Load())
			}
			seen := newEffects()
			b.start(worker.Settings{NoIntake: true, Handlers: handlers(func(_ context.Context, event notification.Event) error {
				seen.begin(&event)
				defer seen.end(&event)
				return nil
			})})
			b.drain()
			seen.check(t, 1, 2)
		})
	}
}

// refusing returns a function that has a stream refuse every message, or none any more.
func refusing(b *bench, name string) (refuse func(bool)) {
	return func(on bool) {
		b.t.Helper()
		opened, err := b.streams.JetStream().Stream(b.context(), name)
		if err != nil {
			b.t.Fatal(err)
		}
		config := opened.CachedInfo().Config
		config.MaxMsgSize = -1
		if on {
			config.MaxMsgSize = 1
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

func TestLaneWhoseDeadLetterCanNotBeStoredWaitsAndGoesOnByItself(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	refuse := refusing(b, stream.DeadLetters)
	refuse(true)
	var handled atomic.Int64
	b.start(worker.Settings{NoIntake: true, Handlers: handlers(func(context.Context, notification.Event) error {
		handled.Add(1)
		return handler.Permanent(errors.New("no"))
	})})
	b.accept(1, 0, 3)
	b.awaitLog("setting aside for group default is in trouble")
	if handled.Load() != 1 {
		t.Errorf("%d events were handled, want 1: the lane waits", handled.Load())
	}
	refuse(false)
	b.drain()
	if letters := b.deadLetters(); len(letters) != 3 || handled.Load() != 3 {
		t.Errorf("%d dead letters of %d events, want 3 of 3", len(letters), handled.Load())
	}
}

func TestFullStreamOfRetriesMakesLanesWaitAndLosesNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var (
		broken atomic.Bool
		seen   = newEffects()
	)
	broken.Store(true)
	b.hire(worker.Settings{
		NoIntake: true,
		Retries:  worker.Retries{InLane: []time.Duration{}, First: 10 * time.Millisecond, Longest: 100 * time.Millisecond},
		Handlers: handlers(func(_ context.Context, event notification.Event) error {
			seen.begin(&event)
			if broken.Load() {
				seen.mutex.Lock()
				defer seen.mutex.Unlock()
				seen.lanes[event.Lane]--
				return errors.New("the database is away")
			}
			seen.end(&event)
			return nil
		}),
	}, stream.Settings{Retries: stream.Bounds{MaxBytes: 4 << 10}})
	const chats = 20
	count := 0
	for ctx := b.context(); !strings.Contains(b.log.String(), "the stream is full"); count++ {
		if ctx.Err() != nil {
			t.Fatalf("%d events found room in 4 KiB", chats*count)
		}
		b.accept(chats, count, 1)
		time.Sleep(50 * time.Millisecond) // How full it is, is not looked for each event.
	}
	broken.Store(false) // What is due is handled from now on, and so makes room.
	b.drain()
	if letters := b.deadLetters(); len(letters) != 0 || seen.total.Load() != int64(chats*count) {
		t.Errorf("%d events handled and %d dead letters, want %d and none", seen.total.Load(), len(letters), chats*count)
	}
}
