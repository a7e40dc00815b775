package simulate

import (
	"math"
	"slices"
	"testing"
	"time"
)

func TestWorldRemembersNoMoreThanItMay(t *testing.T) {
	t.Parallel()
	for index := range 4 {
		w := newWorld(chance(1, index, chanceWorld), index)
		full := false
		for number := range 6_000 {
			w.next(time.Unix(int64(number), 0))
			for _, c := range w.chats {
				if full = full || len(c.messages) == rememberedMessages; len(c.messages) > rememberedMessages {
					t.Fatalf("%d messages of a chat", len(c.messages))
				}
			}
			if len(w.deliveries) > maxDeliveries || len(w.unread) > 100 || len(w.states) > 2 ||
				len(w.calls[typeCallIn])+len(w.calls[typeCallOut]) > 2*maxCalls || len(w.dated) > 20 {
				t.Fatalf("%d deliveries, %d unread, %d states, calls %v", len(w.deliveries), len(w.unread), len(w.states), w.calls)
			}
		}
		if !full {
			t.Error("no chat was ever full")
		}
	}
}

func TestQuantilesAreAtMostAThirtiethTooLarge(t *testing.T) {
	t.Parallel()
	var (
		d      durations
		random = chance(1, 0, 0)
		all    []time.Duration
	)
	for range 10_000 {
		one := time.Duration(math.Exp(random.Float64()*18)) * time.Microsecond
		all = append(all, one)
		d.add(one)
	}
	slices.Sort(all)
	for _, part := range []float64{0.01, 0.5, 0.99, 0.999, 1} {
		exact := all[int(part*10_000)-1]
		if got := d.quantile(part); got < exact || float64(got) > float64(exact)*31/30 {
			t.Errorf("quantile %v is %s, want %s", part, got, exact)
		}
	}
	if (&durations{}).quantile(0.5) != 0 {
		t.Error("a quantile of nothing")
	}
}

func TestLongestGapCountsOnlyWhileSomebodyTries(t *testing.T) {
	t.Parallel()
	at := func(second int) time.Time { return time.Unix(int64(second), 0) }
	var d drought
	d.enter(at(0))
	d.rain(at(2))
	d.leave(at(2))
	d.enter(at(100)) // nobody was trying before
	d.enter(at(103))
	d.rain(at(105)) // the other one is still trying
	d.leave(at(105))
	d.rain(at(109))
	d.leave(at(109))
	if d.longest != 5*time.Second {
		t.Errorf("longest %s", d.longest)
	}
	d.enter(at(200))
	d.leave(at(230)) // interrupted
	if d.longest != 30*time.Second {
		t.Errorf("longest %s", d.longest)
	}
}
