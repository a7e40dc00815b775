package greenapi

import (
	"context"
	"errors"
	"testing"
	"time"
)

// In no second more calls have their turn than are allowed.
func TestTurnsKeepTheDocumentedRate(t *testing.T) {
	t.Parallel()
	for method, want := range map[string]int{"sendMessage": 50, "readChat": 10, "lastOutgoingMessages": 1} {
		var p Pace
		now := time.Unix(1_000_000, 0)
		within := 0
		for range 200 {
			wait, ok := p.reserve(t.Context(), method, now)
			if !ok {
				t.Fatal("refused without a deadline")
			}
			if wait < time.Second {
				within++
			}
		}
		if within != want {
			t.Errorf("%s: %d turns in the first second, want %d", method, within, want)
		}
	}
}

func TestRefusalHalvesTheRateAndSuccessRaisesItAgain(t *testing.T) {
	t.Parallel()
	one := &turn{rate: sendingRate}
	refused, now := &Error{Reason: TooManyRequests, RetryAfter: 7 * time.Second}, time.Unix(1_000_000, 0)
	for range 100 { // Of requests that were under way together.
		one.learn(refused, sendingRate, now)
	}
	if one.rate != sendingRate/2 || one.next != now.Add(7*time.Second) {
		t.Errorf("rate %v, next %s", one.rate, one.next)
	}
	one.learn(refused, sendingRate, now.Add(time.Second))
	if one.rate != sendingRate/4.0 {
		t.Errorf("rate %v after the next refusal", one.rate)
	}
	for range 10_000 {
		one.learn(nil, sendingRate, now)
	}
	if one.rate != sendingRate {
		t.Errorf("rate %v after many successes", one.rate)
	}
	for i := range 100 {
		one.learn(refused, sendingRate, now.Add(time.Duration(i)*time.Minute))
	}
	if one.rate != minRate {
		t.Errorf("rate %v after many refusals", one.rate)
	}
}

func TestRefusalOfOneMethodHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	var p Pace
	p.done("sendMessage", &Error{Reason: TooManyRequests, RetryAfter: 7 * time.Second})
	now := time.Now()
	if wait, _ := p.reserve(t.Context(), "sendMessage", now); wait < 5*time.Second {
		t.Errorf("waits %s", wait)
	}
	if wait, _ := p.reserve(t.Context(), "readChat", now); wait != 0 {
		t.Errorf("another method waits %s", wait)
	}
}

// A caller that would be gone when its turn comes is told at once, and takes no turn of anybody.
func TestCallerWhoseTurnComesTooLateIsToldAtOnce(t *testing.T) {
	t.Parallel()
	var p Pace
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	p.done("sendMessage", &Error{Reason: TooManyRequests, RetryAfter: time.Hour})
	before := p.methods["sendMessage"].next
	if wait, err := p.wait(ctx, "sendMessage"); !errors.Is(err, errNoTurn) || wait < 59*time.Minute {
		t.Errorf("wait %s, error %v", wait, err)
	}
	if p.methods["sendMessage"].next != before {
		t.Error("it took a turn")
	}
	cancel()
	if _, err := p.wait(ctx, "sendFileByUrl"); !errors.Is(err, context.Canceled) {
		t.Errorf("of one who has gone: %v", err)
	}
}
