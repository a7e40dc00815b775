package handling

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"sluice.internal/shared/config"
	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream/consume"
	"sluice.internal/worker/handler"
)

var errBusy = errors.New("busy")

// failed is a delivery whose attempt has just failed, the first of its round that long ago.
func failed(attempt int, due bool, ago time.Duration) *consume.Delivery {
	return &consume.Delivery{Due: due, Event: notification.Event{Attempt: attempt, FirstFailedAt: time.Now().Add(-ago)}}
}

// policy is the one that is configured by default, with delays.
func policy(delays RetryDelays) retryPolicy { return newRetryPolicy(config.Default().Worker, delays) }

func TestDecisionAboutAFailedAttempt(t *testing.T) {
	t.Parallel()
	var (
		normal = policy(DefaultRetryDelays())
		block  = policy(DefaultRetryDelays())
		none   = policy(RetryDelays{First: normal.delays.First, Longest: normal.delays.Longest})
		day    = 24 * time.Hour
		second = time.Second
	)
	block.block = true
	const lane, due, ordered, unordered = false, true, true, false
	for _, test := range []struct {
		name    string
		retries retryPolicy
		attempt int
		due     bool
		ordered bool
		ago     time.Duration
		failure error
		what    decision
		delay   time.Duration // a quarter more or less where it is set aside at the worker's own pace
	}{
		{"the first in its lane", normal, 1, lane, ordered, 0, errBusy, retryInChat, 3 * second},
		{"the second in its lane", normal, 2, lane, ordered, 3 * second, errBusy, retryInChat, 6 * second},
		{"the third in its lane", normal, 3, lane, ordered, 9 * second, errBusy, retryParked, 30 * second},
		{"the first without tries in the lane", none, 1, lane, ordered, 0, errBusy, retryParked, 30 * second},
		{"the first without an order", normal, 1, lane, unordered, 0, errBusy, retryParked, 30 * second},
		{"the third without an order", normal, 3, lane, unordered, 0, errBusy, retryParked, 30 * second},
		{"the fifth without an order", normal, 5, lane, unordered, 0, errBusy, retryParked, 120 * second},
		{"the first that is handed over again", normal, 1, due, ordered, 0, errBusy, retryParked, 30 * second},
		{"the fourth", normal, 4, due, ordered, 40 * second, errBusy, retryParked, 60 * second},
		{"the fifth", normal, 5, due, ordered, 100 * second, errBusy, retryParked, 120 * second},
		{"the tenth", normal, 10, due, ordered, time.Hour, errBusy, retryParked, 3840 * second},
		{"the fiftieth", normal, 50, due, ordered, time.Hour, errBusy, retryParked, 3 * time.Hour},
		{"one far beyond", normal, 1 << 40, due, ordered, time.Hour, errBusy, retryParked, 3 * time.Hour},
		{"the last before the end", normal, 20, due, ordered, day - second, errBusy, retryParked, second},
		{"at the end", normal, 20, due, ordered, day, errBusy, buryExhausted, 0},
		{"long after the end", normal, 20, due, ordered, 9 * day, errBusy, buryExhausted, 0},
		{"in the lane after the end, as when workers were away", normal, 3, lane, ordered, 9 * day, errBusy, buryExhausted, 0},

		{"asks for nothing", normal, 1, lane, ordered, 0, handler.RetryAfter(0, errBusy), retryInChat, 0},
		{"asks for less than nothing", normal, 1, lane, ordered, 0, handler.RetryAfter(-second, errBusy), retryInChat, 0},
		{"asks for what its lane waits at most", normal, 1, lane, ordered, 0, handler.RetryAfter(6*second, errBusy), retryInChat, 6 * second},
		{"asks for more than its lane waits", normal, 1, lane, ordered, 0, handler.RetryAfter(7*second, errBusy), retryParked, 7 * second},
		{"asks a third time", normal, 3, lane, ordered, 0, handler.RetryAfter(second, errBusy), retryParked, second},
		{"asks without tries in the lane", none, 1, lane, ordered, 0, handler.RetryAfter(second, errBusy), retryParked, second},
		{"asks without an order", normal, 1, lane, unordered, 0, handler.RetryAfter(second, errBusy), retryParked, second},
		{"asks for more than the longest", normal, 4, due, ordered, 0, handler.RetryAfter(20*time.Hour, errBusy), retryParked, 20 * time.Hour},
		{"asks for more than is left", normal, 4, due, ordered, 5 * time.Hour, handler.RetryAfter(20*time.Hour, errBusy), buryExhausted, 0},
		{"asks for ever", normal, 1, lane, ordered, 0, handler.RetryAfter(1<<63-1, errBusy), buryExhausted, 0},
		{"asks after the end", normal, 9, due, ordered, day, handler.RetryAfter(0, errBusy), buryExhausted, 0},
		{"asks inside of another error", normal, 9, due, ordered, 0, fmt.Errorf("call: %w", handler.RetryAfter(second, errBusy)), retryParked, second},

		{"permanent", normal, 1, lane, ordered, 0, handler.Permanent(errBusy), buryRefused, 0},
		{"permanent and asks", normal, 1, lane, ordered, 0, handler.RetryAfter(second, handler.Permanent(errBusy)), buryRefused, 0},
		{"permanent in a blocked lane", block, 1, lane, ordered, 0, handler.Permanent(errBusy), buryRefused, 0},
		{"permanent when due", normal, 7, due, ordered, 9 * day, handler.Permanent(errBusy), buryRefused, 0},

		{"the first of a blocked lane", block, 1, lane, ordered, 0, errBusy, retryInChat, second},
		{"the fourth of a blocked lane", block, 4, lane, ordered, 0, errBusy, retryInChat, 8 * second},
		{"one of a lane that is blocked for long", block, 1 << 40, lane, ordered, 90 * day, errBusy, retryInChat, time.Minute},
		{"asks in a blocked lane", block, 9, lane, ordered, 0, handler.RetryAfter(48*time.Hour, errBusy), retryInChat, 48 * time.Hour},
		{"handed over again to a group that blocks", block, 1, due, ordered, 0, errBusy, retryInChat, second},
		{"block without an order means nothing", block, 1, lane, unordered, 0, errBusy, retryParked, 30 * second},
	} {
		least, most := test.delay, test.delay
		if _, asks := handler.RetryDelay(test.failure); test.what == retryParked && !asks {
			least, most = test.delay*3/4, test.delay*5/4
		}
		for range 20 { // There is chance in it.
			d := failed(test.attempt, test.due, test.ago)
			test.retries.ordered = test.ordered
			what, delay := test.retries.decide(d, test.failure)
			left := test.retries.limit - time.Since(d.FirstFailedAt) + time.Second
			// What is left shrinks while the test runs.
			if what != test.what || delay > most || delay < least && delay < left-2*time.Second {
				t.Errorf("%s: decision %d after %s, want %d after %s to %s", test.name, what, delay, test.what, least, most)
			}
		}
	}
}

func TestWhatFailedTogetherComesBackApart(t *testing.T) {
	t.Parallel()
	retries, delays := policy(DefaultRetryDelays()), map[time.Duration]bool{}
	early, late := false, false
	for range 200 {
		_, delay := retries.decide(failed(3, false, 0), errBusy)
		delays[delay] = true
		early, late = early || delay < 27*time.Second, late || delay > 33*time.Second
	}
	if len(delays) < 100 || !early || !late {
		t.Errorf("200 events come back at %d times, some early %t, some late %t", len(delays), early, late)
	}
}

// anyFailure is what a handler may return.
func anyFailure(chance *rand.Rand) error {
	switch chance.IntN(8) {
	case 0:
		return handler.Permanent(errBusy)
	case 1:
		return handler.RetryAfter(time.Duration(chance.Int64N(int64(40*time.Hour))), errBusy)
	case 2:
		return handler.RetryAfter(time.Duration(chance.Int64N(int64(time.Hour)))-time.Minute, errBusy)
	default:
		return errBusy
	}
}

func TestEveryEventEndsWhateverItsErrorsAre(t *testing.T) {
	t.Parallel()
	for seed := range uint64(500) {
		chance := rand.New(rand.NewPCG(seed, 1))
		retries := policy(RetryDelays{
			InChat: DefaultRetryDelays().InChat,
			First:  time.Duration(1 + chance.Int64N(int64(time.Hour))), Longest: time.Duration(1 + chance.Int64N(int64(6*time.Hour))),
		})
		stubborn := chance.IntN(2) == 0 // Its errors are never permanent and ask for nothing.
		passed, attempt, due := time.Duration(0), 1, false
		retries.ordered = chance.IntN(2) == 0
		for ended := false; !ended; attempt++ {
			failure := anyFailure(chance)
			if stubborn {
				failure = errBusy
			}
			what, delay := retries.decide(failed(attempt, due, passed), failure)
			if delay < 0 {
				t.Fatalf("seed %d: attempt %d waits %s", seed, attempt, delay)
			}
			passed += delay + time.Millisecond // Each attempt takes a while.
			switch what {
			case retryInChat:
				if due || !retries.ordered || attempt > len(retries.delays.InChat) {
					t.Fatalf("seed %d: attempt %d holds up the others", seed, attempt)
				}
			case retryParked:
				due = true
			case buryExhausted, buryRefused:
				ended = true
			}
			if passed > retries.limit+time.Minute {
				t.Fatalf("seed %d: attempt %d ends %s after the first", seed, attempt, passed)
			}
			if stubborn && what == buryRefused {
				t.Fatalf("seed %d: refused without a permanent error", seed)
			}
			if attempt > 100_000_000 {
				t.Fatalf("seed %d: no end", seed)
			}
		}
	}
}

func TestDelaysGrowToTheLongestAndNeverBeyond(t *testing.T) {
	t.Parallel()
	const most = time.Duration(1<<63 - 1)
	for _, test := range []struct {
		delay   time.Duration
		times   int
		longest time.Duration
		want    time.Duration
	}{
		{time.Second, -1, time.Hour, time.Second},
		{time.Second, 0, time.Hour, time.Second},
		{time.Second, 3, time.Hour, 8 * time.Second},
		{time.Second, 30, time.Hour, time.Hour},
		{time.Hour, 0, time.Second, time.Second},
		{time.Second, 1 << 40, most, most},
		{1, 200, most, most},
	} {
		if got := backoff(test.delay, test.times, test.longest); got != test.want {
			t.Errorf("%s doubled %d times up to %s is %s, want %s", test.delay, test.times, test.longest, got, test.want)
		}
	}
}
