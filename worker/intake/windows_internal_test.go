package intake

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/service"
	"sluice.internal/shared/stream/consume"
	"sluice.internal/shared/streamtest"
	"sluice.internal/worker/storing"
)

// store is what windows are asked of: EVENTS, or a stand-in that is cheap enough for thousands of examples.
type store interface {
	keyMemory
	PublishEvents(ctx context.Context, events []notification.Event) ([]consume.Stored, error)
}

// remembered remembers keys as EVENTS does.
type remembered struct {
	mutex    sync.Mutex
	received map[string]time.Time
}

func (m *remembered) FirstReceivedAt(_ context.Context, _ *notification.Event, key string) (at time.Time, found bool, err error) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	at, found = m.received[key]
	return at, found, nil
}

func (m *remembered) PublishEvents(_ context.Context, events []notification.Event) ([]consume.Stored, error) {
	stored := make([]consume.Stored, len(events))
	for i := range events {
		if _, stored[i].Duplicate = m.received[events[i].Key]; !stored[i].Duplicate {
			m.received[events[i].Key] = events[i].ReceivedAt
		}
	}
	return stored, nil
}

// windowed is a batch of notifications with the key "a" that are the same but for when they were received.
func windowed(window time.Duration, received ...time.Time) []outcome {
	outcomes := make([]outcome, len(received))
	for i, at := range received {
		outcomes[i] = outcome{event: notification.Event{
			Origin:   notification.Origin{Source: "shop", Provider: "generic", ReceivedAt: at.UTC(), Body: []byte(`{}`)},
			Identity: notification.Identity{Type: "a", Key: "a", Window: window},
		}}
	}
	return outcomes
}

// takeIn gives a batch its keys as a worker that was just started does, and stores it.
func takeIn(t rapid.TB, in store, outcomes []outcome) (keys []string, fresh []bool) {
	t.Helper()
	ctx := context.Background()
	asked := storing.Storer{Health: service.NewCondition("test", slog.New(slog.DiscardHandler)), Pause: time.Millisecond}
	if err := (windows{in}).keys(ctx, asked, outcomes); err != nil {
		t.Fatal(err)
	}
	events := make([]notification.Event, len(outcomes))
	for i := range outcomes {
		events[i] = outcomes[i].event
		keys = append(keys, outcomes[i].event.Key)
	}
	stored, err := in.PublishEvents(ctx, events)
	if err != nil {
		t.Fatal(err)
	}
	for i := range stored {
		fresh = append(fresh, !stored[i].Duplicate)
	}
	return keys, fresh
}

// What is the same within a window of the first one is one event, wherever the windows have their borders, in whichever
// batches it comes, in whichever order and however often.
func TestEventStandsForAllWithinTheWindowOfTheFirst(t *testing.T) {
	t.Parallel()
	border := time.Date(2026, 11, 23, 7, 0, 0, 0, time.UTC)
	rapid.Check(t, func(rt *rapid.T) {
		in := &remembered{received: map[string]time.Time{}}
		const window = time.Minute
		steps := rapid.SliceOfN(rapid.SampledFrom([]time.Duration{0, 1, time.Second, 29 * time.Second, 31 * time.Second, 59 * time.Second, time.Minute, 2 * time.Minute, -5 * time.Second}), 1, 8).Draw(rt, "steps")
		at := border.Add(rapid.SampledFrom([]time.Duration{-time.Second, 0, 30 * time.Second, 59 * time.Second}).Draw(rt, "begin"))
		received := []time.Time{at}
		for _, step := range steps {
			received = append(received, received[len(received)-1].Add(step))
		}
		first, keys := map[string]time.Time{}, []string{}
		for rest := received; len(rest) > 0; {
			count := rapid.IntRange(1, len(rest)).Draw(rt, "batch")
			got, fresh := takeIn(rt, in, windowed(window, rest[:count]...))
			for i, at := range rest[:count] {
				for other, begun := range first {
					within := at.Sub(begun).Abs() < window
					if fresh[i] && within || !fresh[i] && got[i] == other && !within {
						rt.Fatalf("%s is an event of its own: %t, and there is one of %s", at.Format("05.0"), fresh[i], begun.Format("05.0"))
					}
				}
				if fresh[i] {
					first[got[i]] = at
				} else if _, there := first[got[i]]; !there {
					rt.Fatalf("%s is a duplicate of nothing", at.Format("05.0"))
				}
			}
			keys, rest = append(keys, got...), rest[count:]
		}
		again, fresh := takeIn(rt, in, windowed(window, received...))
		for i := range again {
			if again[i] != keys[i] || fresh[i] {
				rt.Fatalf("%s has another key when it comes again", received[i].Format("05.0"))
			}
		}
	})
}

// The server answers as the stand-in does: what comes 55 seconds after the first one belongs to that, also in a batch that begins
// with the first one of the next window, and when all of it comes again.
func TestServerRemembersTheFirstOfAWindow(t *testing.T) {
	t.Parallel()
	streams := streamtest.Start(t).Open(t, streamtest.Lanes(1))
	border := time.Now().Truncate(time.Hour)
	at := func(second time.Duration) time.Time { return border.Add(second * time.Second) }
	for _, batch := range []struct {
		received []time.Time
		begins   []time.Time // of the windows that they are in
		fresh    []bool
	}{
		{[]time.Time{at(30)}, []time.Time{at(0)}, []bool{true}},
		{[]time.Time{at(90), at(85)}, []time.Time{at(60), at(0)}, []bool{true, false}},
		{[]time.Time{at(30), at(90), at(85)}, []time.Time{at(0), at(60), at(0)}, []bool{false, false, false}},
	} {
		var want []string
		for _, begin := range batch.begins {
			want = append(want, notification.Identity{Key: "a"}.KeyIn(begin))
		}
		keys, fresh := takeIn(t, streams, windowed(time.Minute, batch.received...))
		if !slices.Equal(keys, want) || !slices.Equal(fresh, batch.fresh) {
			t.Errorf("%v: keys %v, want %v; new are %t, want %t", batch.received, keys, want, fresh, batch.fresh)
		}
	}
}

func TestKeysWithoutAWindowStayAsTheyAre(t *testing.T) {
	t.Parallel()
	in := &remembered{received: map[string]time.Time{}}
	if keys, _ := takeIn(t, in, windowed(0, time.Now())); keys[0] != "a" {
		t.Errorf("key %q, want a", keys[0])
	}
}
