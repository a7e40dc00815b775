package keyed_test

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

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
	broker  *simulated
	effects *effects
	chance  *rand.Rand
	slow    time.Duration
	key     int // how many deliveries of a key may wait
	hands   []*hand
	// allowed counts events that were under way when their worker was killed or cut off: each may be done once more.
	allowed int
}

func (w *world) join() {
	h := &hand{
		link: &link{broker: w.broker, chance: rand.New(rand.NewPCG(w.chance.Uint64(), 1)), got: map[uint64]time.Time{}, read: map[uint64]string{}}, ended: make(chan struct{}),
		under: map[uint64]bool{},
	}
	settings := keyed.Settings{Limit: 8, Times: keyed.Times{AckWait: ackWait, Ask: askTime, Look: 100 * time.Millisecond, Pause: time.Second}}
	h.engine = keyed.New(settings, func(d keyed.Delivery, _ *keyed.Turn) keyed.Verdict { return w.work(h, d) })
	ctx, stop := context.WithCancel(context.Background())
	renewing, renewed := context.WithCancel(context.Background())
	h.renewed = renewed
	h.stop = stop
	p := h.engine.Add(h.link, keyed.Bounds{Window: 16 + w.chance.IntN(48), Most: 60, Key: w.key, KeyPressed: max(w.key/2, 9)}, func(error) {})
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
	if d.(*event).stored { //nolint:forcetypeassert // The link makes no others.
		h.link.set(func(l *link) { l.read[d.Sequence()] = d.Key() })
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

var (
	seeds = flag.Uint64("seeds", 30, "how many worlds are tried")
	seed  = flag.Uint64("seed", 0, "the first world; 0 draws one")
)

// TestOrderHoldsWhateverHappensToWorkersAndTheirConnections lets workers join, stop, be killed and be cut off while a simulated
// broker hands out, and looks at what was done: everything, in order per key, and again only what was under way. Some keys
// flood.
func TestOrderHoldsWhateverHappensToWorkersAndTheirConnections(t *testing.T) {
	t.Parallel()
	first := *seed
	if first == 0 {
		first = rand.Uint64N(1 << 32)
	}
	setAside := 0
	for seed := first; seed < first+*seeds && !t.Failed(); seed++ {
		synctest.Test(t, func(t *testing.T) {
			count, err := runWorld(seed)
			if err != nil {
				t.Errorf("-seed %d -seeds 1: %v", seed, err)
			}
			setAside += count
		})
	}
	if *seeds >= 30 && setAside == 0 {
		t.Error("no key was ever set aside")
	}
}

// runWorld returns how many keys were set aside.
func runWorld(seed uint64) (setAside int, err error) {
	w := &world{
		broker: &simulated{}, chance: rand.New(rand.NewPCG(seed, 2)),
		effects: &effects{first: map[string][]int{}, seen: map[int]int{}, begun: map[int]begun{}},
	}
	w.slow = []time.Duration{time.Millisecond, 100 * time.Millisecond, 3 * time.Second, 20 * time.Second}[w.chance.IntN(4)]
	keys := 1 + w.chance.IntN(20)
	w.key = []int{0, 9, 12, 18}[w.chance.IntN(4)]
	w.join()
	for range 6 + w.chance.IntN(6) {
		for range w.chance.IntN(40) {
			w.broker.publish("key-" + strconv.Itoa(w.chance.IntN(keys)))
		}
		if w.chance.IntN(3) == 0 {
			for range w.chance.IntN(200) {
				w.broker.publish("key-0")
			}
		}
		w.happens()
		time.Sleep(time.Duration(w.chance.Int64N(int64(12 * time.Second))))
	}
	for _, h := range w.hands {
		h.link.set(func(l *link) { l.cut, l.mute, l.loses = false, false, false })
	}
	w.join()
	for waited := time.Duration(0); w.broker.open() > 0; waited += time.Second {
		if waited > 12*time.Hour {
			err = fmt.Errorf("%d messages are not done after twelve hours", w.broker.open())
			break
		}
		time.Sleep(time.Second)
	}
	for _, h := range w.hands {
		h.stop()
		<-h.ended
		h.renewed()
	}
	time.Sleep(time.Second)
	return w.broker.setAside, cmp.Or(err, w.check())
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
		w.cutOff()
	case 3:
		h.link.set(func(l *link) { l.cut, l.mute = false, false })
	case 4:
		w.count(h)
		h.link.set(func(l *link) { l.mute = true })
		w.cutOff()
	default:
		h.link.set(func(l *link) { l.loses = !l.loses })
	}
}

// cutOff notes that what ends meanwhile can't be acknowledged, and what is aside is not known to be done.
func (w *world) cutOff() {
	w.broker.mutex.Lock()
	defer w.broker.mutex.Unlock()
	w.allowed += 64 + 64*max(len(w.broker.record), 1)
}

// count notes what is under way.
func (w *world) count(h *hand) {
	h.mutex.Lock()
	w.allowed += len(h.under)
	h.mutex.Unlock()
	h.link.mutex.Lock()
	defer h.link.mutex.Unlock()
	w.broker.mutex.Lock()
	defer w.broker.mutex.Unlock()
	for sequence, key := range h.link.read {
		i := slices.IndexFunc(w.broker.record, func(a keyed.Aside) bool { return a.ID == keyed.KeyID(key) && a.From <= sequence && a.Until == 0 })
		if i >= 0 && sequence > w.broker.record[i].Done {
			w.allowed++ // It was done a moment ago, and the record does not say so yet.
		}
	}
}

// TestDeliveryThatGotLostIsWaitedForAlsoRightAfterAFailedRequest is about a partition that has nothing in its hands: whatever
// comes next must be what the broker hands out next.
func TestDeliveryThatGotLostIsWaitedForAlsoRightAfterAFailedRequest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &world{
			broker: &simulated{}, chance: rand.New(rand.NewPCG(1, 2)), slow: time.Millisecond,
			effects: &effects{first: map[string][]int{}, seen: map[int]int{}, begun: map[int]begun{}},
		}
		w.join()
		w.broker.publish("key")
		w.awaitAll()
		w.hands[0].link.set(func(l *link) { l.fails = true })
		time.Sleep(4 * time.Second) // A request has failed since.
		w.hands[0].link.set(func(l *link) { l.loss = 2 })
		w.broker.publish("key")
		w.broker.publish("key")
		w.awaitAll()
		w.hands[0].stop()
		<-w.hands[0].ended
		w.hands[0].renewed()
		time.Sleep(time.Second)
		if err := w.check(); err != nil {
			t.Error(err)
		}
	})
}

// flooded is a world with one worker that has begun with a key which floods, and whose record is written late from then on.
func flooded(late time.Duration) *world {
	w := &world{
		broker: &simulated{}, chance: rand.New(rand.NewPCG(1, 2)), slow: 100 * time.Millisecond, key: 9,
		effects: &effects{first: map[string][]int{}, seen: map[int]int{}, begun: map[int]begun{}},
	}
	w.join()
	w.broker.publish("first")
	w.awaitAll()
	w.hands[0].link.set(func(l *link) { l.late = late })
	for range 50 {
		w.broker.publish("key")
	}
	time.Sleep(200 * time.Millisecond)
	return w
}

// kill kills the worker that began first.
func (w *world) kill() {
	h := w.hands[0]
	w.hands = w.hands[1:]
	w.count(h)
	h.link.set(func(l *link) { l.dead = true })
	h.stop()
	h.renewed()
}

// end stops all workers and looks at what was done.
func (w *world) end(t *testing.T) {
	t.Helper()
	w.awaitAll()
	for _, h := range w.hands {
		h.stop()
		<-h.ended
		h.renewed()
	}
	time.Sleep(time.Minute)
	if err := w.check(); err != nil {
		t.Error(err)
	}
}

func TestNothingIsAcknowledgedAsAsideBeforeTheRecordSaysSo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := flooded(time.Hour)
		w.kill()
		w.join()
		w.end(t)
	})
}

func TestRecordOfAFormerOwnerThatComesLateCountsForNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := flooded(30 * time.Second)
		w.kill()
		w.hands = nil
		w.key = 1000 // The next owner sets nothing aside, and so writes nothing more.
		w.join()
		w.awaitAll()
		time.Sleep(time.Minute)
		w.broker.publish("key")
		w.awaitAll()
		w.hands[0].stop()
		<-w.hands[0].ended
		w.hands[0].renewed()
		w.hands, w.key = nil, 9
		w.broker.publish("key")
		w.join()
		w.end(t)
	})
}

func (w *world) awaitAll() {
	for w.broker.open() > 0 {
		time.Sleep(time.Second)
	}
}

func (w *world) check() error {
	e := w.effects
	if len(e.seen) != len(w.broker.messages) {
		return fmt.Errorf("%d of %d messages were done", len(e.seen), len(w.broker.messages))
	}
	if len(e.wrong) > 0 || !e.sorted() {
		return fmt.Errorf("out of order: %v", e.wrong)
	}
	if e.stale > 0 {
		return fmt.Errorf("%d were begun that another worker had begun meanwhile", e.stale)
	}
	if e.repeats() > w.allowed {
		return fmt.Errorf("%d were done again, at most %d were under way", e.repeats(), w.allowed)
	}
	return nil
}
