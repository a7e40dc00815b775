package worker

import (
	"fmt"
	"testing"
	"time"

	"sluice.internal/shared/notification"
)

func TestKeysWithoutAWindowStayAsTheyAre(t *testing.T) {
	t.Parallel()
	var r repeats
	if got := r.key(notification.Identity{Key: "a"}, time.Now()); got != "a" {
		t.Errorf("key %q, want a", got)
	}
}

func TestRepeatsCountAsOneWithinTheirWindowOnly(t *testing.T) {
	t.Parallel()
	identity := notification.Identity{Key: "a", Window: time.Hour}
	border := time.Date(2026, 11, 23, 11, 0, 0, 0, time.UTC)
	var r repeats
	first := r.key(identity, border.Add(-30*time.Second))
	if again := r.key(identity, border.Add(30*time.Second)); again != first {
		t.Error("a repetition a minute later, in the next hour, has another key")
	}
	if late := r.key(identity, border.Add(59*time.Minute+30*time.Second)); late == first {
		t.Error("a notification an hour later has the same key")
	}
	other := notification.Identity{Key: "b", Window: time.Hour}
	if r.key(other, border) == r.key(identity, border) {
		t.Error("two identities share a key")
	}
}

func TestWorkerStartedAnewAgreesOnTheKeysOfAWindow(t *testing.T) {
	t.Parallel()
	identity := notification.Identity{Key: "a", Window: time.Hour}
	at := time.Date(2026, 11, 23, 11, 10, 0, 0, time.UTC)
	var before, after repeats
	if before.key(identity, at) != after.key(identity, at.Add(time.Minute)) {
		t.Error("the same notification has another key after a start")
	}
}

func TestMemoryOfRepeatsIsBounded(t *testing.T) {
	t.Parallel()
	var r repeats
	at := time.Date(2026, 11, 23, 11, 10, 0, 0, time.UTC)
	for i := range 3 * maxRepeats {
		r.key(notification.Identity{Key: fmt.Sprint(i), Window: time.Hour}, at)
	}
	if len(r.seen) > maxRepeats {
		t.Errorf("remembers %d keys, want at most %d", len(r.seen), maxRepeats)
	}
}
