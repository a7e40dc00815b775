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
	var p Pace
	for range 2 {
		p.done("sendMessage", &Error{Reason: TooManyRequests, RetryAfter: 7 * time.Second})
	}
	now := time.Now()
	if wait, _ := p.reserve(t.Context(), "sendMessage", now); wait < 5*time.Second || p.methods["sendMessage"].rate != 12.5 {
		t.Errorf("waits %s, rate %v", wait, p.methods["sendMessage"].rate)
	}
	if wait, _ := p.reserve(t.Context(), "readChat", now); wait != 0 {
		t.Errorf("another method waits %s", wait)
	}
	for range 10_000 {
		p.done("sendMessage", nil)
	}
	if rate := p.methods["sendMessage"].rate; rate != sendingRate {
		t.Errorf("rate %v after many successes", rate)
	}
	for range 100 {
		p.done("sendMessage", &Error{Reason: TooManyRequests})
	}
	if rate := p.methods["sendMessage"].rate; rate != minRate {
		t.Errorf("rate %v after many refusals", rate)
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
