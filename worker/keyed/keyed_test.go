package keyed_test

import (
	"context"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"sluice.internal/worker/keyed"
)

// hand is a worker with an engine of its own.
type hand struct {
	link    *link
	engine  *keyed.Engine
	stop    func() // as a worker that is told to stop
	renewed context.CancelFunc
	ended   chan struct{}
	under   map[uint64]bool
	mutex   sync.Mutex
}

type world struct {
	t       *rapid.T
	broker  *simulated
	effects *effects
	chance  *rand.Rand
	slow    time.Duration
	hands   []*hand
	// allowed counts events that were under way when their worker was killed or cut off: each may be done once more.
	allowed int
}

func (w *world) join() {
	h := &hand{
		link: &link{broker: w.broker, chance: rand.New(rand.NewPCG(w.chance.Uint64(), 1)), got: map[uint64]time.Time{}}, ended: make(chan struct{}),
		under: map[uint64]bool{},
	}
	settings := keyed.Settings{Limit: 8, Times: keyed.Times{AckWait: ackWait, Ask: askTime, Look: 100 * time.Millisecond, Pause: time.Second}}
	h.engine = keyed.New(settings, func(d keyed.Delivery, _ *keyed.Turn) keyed.Verdict { return w.work(h, d) })
	ctx, stop := context.WithCancel(context.Background())
	renewing, renewed := context.WithCancel(context.Background())
	h.renewed = renewed
	h.stop = stop
	p := h.engine.Add(h.link, keyed.Bounds{Window: 16 + w.chance.IntN(48), Most: 60}, func(error) {})
	go h.engine.Renew(renewing)
	go func() {
		defer close(h.ended)
		p.Run(ctx, renewing)
		h.engine.Wait()
	}()
	w.hands = append(w.hands, h)
}

// work takes a while, and sometimes has to be tried again.
func (w *world) work(h *hand, d keyed.Delivery) keyed.Verdict {
	h.link.mutex.Lock()
	dead, got := h.link.dead, h.link.got[d.Sequence()]
	chance := h.link.chance.IntN(12)
	took := time.Duration(h.link.chance.Int64N(int64(w.slow)))
	h.link.mutex.Unlock()
	if dead {
		return keyed.GiveBack()
	}
	if chance == 0 {
		return keyed.Again(took)
	}
	w.effects.begin(d, h.link, got)
	h.mutex.Lock()
	h.under[d.Sequence()] = true
	h.mutex.Unlock()
	time.Sleep(took)
	h.mutex.Lock()
	delete(h.under, d.Sequence())
	h.mutex.Unlock()
	return keyed.Done()
}

// TestOrderHoldsWhateverHappensToWorkersAndTheirConnections lets workers join, stop, be killed and be cut off while a simulated
// broker hands out, and looks at what was done: everything, in order per key, and again only what was under way.
func TestOrderHoldsWhateverHappensToWorkersAndTheirConnections(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		seed := rapid.Uint64().Draw(rt, "seed")
		synctest.Test(t, func(*testing.T) { runWorld(rt, seed) })
	})
}

func runWorld(rt *rapid.T, seed uint64) {
	w := &world{
		t: rt, broker: &simulated{}, chance: rand.New(rand.NewPCG(seed, 2)),
		effects: &effects{first: map[string][]int{}, seen: map[int]int{}, begun: map[int]begun{}},
	}
	w.slow = []time.Duration{time.Millisecond, 100 * time.Millisecond, 3 * time.Second, 20 * time.Second}[w.chance.IntN(4)]
	keys := 1 + w.chance.IntN(20)
	w.join()
	for range 6 + w.chance.IntN(6) {
		for range w.chance.IntN(40) {
			w.broker.publish("key-" + strconv.Itoa(w.chance.IntN(keys)))
		}
		w.happens()
		time.Sleep(time.Duration(w.chance.Int64N(int64(12 * time.Second))))
	}
	for _, h := range w.hands {
		h.link.set(func(l *link) { l.cut, l.mute, l.loses = false, false, false })
	}
	w.join()
	for waited := time.Duration(0); w.broker.open() > 0; waited += time.Second {
		if waited > time.Hour {
			rt.Fatalf("%d messages are not done after an hour", w.broker.open())
		}
		time.Sleep(time.Second)
	}
	for _, h := range w.hands {
		h.stop()
		<-h.ended
		h.renewed()
	}
	time.Sleep(time.Second)
	w.check()
}

// happens lets something happen to some worker.
func (w *world) happens() {
	if len(w.hands) == 0 || w.chance.IntN(3) == 0 {
		w.join()
		return
	}
	i := w.chance.IntN(len(w.hands))
	h := w.hands[i]
	switch w.chance.IntN(6) {
	case 0:
		h.stop()
		w.hands = append(w.hands[:i:i], w.hands[i+1:]...)
		go func() {
			<-h.ended
			h.renewed()
		}()
	case 1:
		w.count(h)
		h.link.set(func(l *link) { l.dead = true })
		h.stop()
		h.renewed()
		w.hands = append(w.hands[:i:i], w.hands[i+1:]...)
	case 2:
		w.count(h)
		h.link.set(func(l *link) { l.cut = true })
		w.allowed += 64 // What ends meanwhile can't be acknowledged.
	case 3:
		h.link.set(func(l *link) { l.cut, l.mute = false, false })
	case 4:
		w.count(h)
		h.link.set(func(l *link) { l.mute = true })
		w.allowed += 64
	default:
		h.link.set(func(l *link) { l.loses = !l.loses })
	}
}

// count notes what is under way.
func (w *world) count(h *hand) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	w.allowed += len(h.under)
}

func (w *world) check() {
	e := w.effects
	if len(e.seen) != len(w.broker.messages) {
		w.t.Fatalf("%d of %d messages were done", len(e.seen), len(w.broker.messages))
	}
	if len(e.wrong) > 0 || !e.sorted() {
		w.t.Fatalf("out of order: %v", e.wrong)
	}
	if e.stale > 0 {
		w.t.Fatalf("%d were begun that another worker had begun meanwhile", e.stale)
	}
	if e.repeats() > w.allowed {
		w.t.Fatalf("%d were done again, at most %d were under way", e.repeats(), w.allowed)
	}
}
