package consume_test

import (
	"sync"
	"testing"
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/streamtest"
)

// about is an event about an object.
func about(source, instance, object string, sentAt time.Time) *notification.Event {
	return &notification.Event{
		Origin:   notification.Origin{Source: source},
		Identity: notification.Identity{Instance: instance, Object: object, SentAt: sentAt},
	}
}

func TestNewestTimeStaysWhoeverComesLate(t *testing.T) {
	t.Parallel()
	server, ctx := streamtest.Start(t), streamtest.Context(t)
	at := time.Date(2026, 11, 23, 7, 0, 0, 0, time.UTC)
	const workers, events = 8, 25
	var setting sync.WaitGroup
	for worker := range workers {
		streams := server.Open(t)
		setting.Go(func() {
			for place := range events {
				// Each goes through all times, and each begins with another one.
				seconds := (place*7 + worker*3) % events
				if err := streams.SetLatestSentAt(ctx, about("shop", "1", "x", at.Add(time.Duration(seconds)*time.Second))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	setting.Wait()
	newest, err := server.Open(t).LatestSentAt(ctx, about("shop", "1", "x", time.Time{}))
	if want := at.Add((events - 1) * time.Second); err != nil || !newest.Equal(want) {
		t.Errorf("newest %s, want %s, error %v", newest, want, err)
	}
}

func TestNewestTimeOfAnObjectIsKeptForEachAndOutlivesARestart(t *testing.T) {
	t.Parallel()
	server, ctx := streamtest.Start(t), streamtest.Context(t)
	streams := server.Open(t)
	at := time.Date(2026, 11, 23, 7, 0, 0, 123456789, time.UTC)
	different := []*notification.Event{
		about("shop", "1", "order/7", at), about("shop", "1", "order/8", at.Add(time.Second)),
		about("shop", "2", "order/7", at.Add(2*time.Second)), about("other", "1", "order/7", at.Add(3*time.Second)),
		about("shop", "1o", "rder/7", at.Add(4*time.Second)), about("shop", "1", "order.*>/7 \n", at.Add(5*time.Second)),
	}
	for _, event := range different {
		if newest, err := streams.LatestSentAt(ctx, event); err != nil || !newest.IsZero() {
			t.Fatalf("before anything of %q: %s, error %v", event.Object, newest, err)
		}
		streamtest.Must(t, streams.SetLatestSentAt(ctx, event))
	}
	streamtest.Must(t, streams.SetLatestSentAt(ctx, about("shop", "1", "order/8", at.Add(time.Hour))))
	different[1].SentAt = at.Add(time.Hour)
	server.Restart(t)
	after := server.Open(t)
	for _, event := range different {
		if newest, err := after.LatestSentAt(ctx, event); err != nil || !newest.Equal(event.SentAt) {
			t.Errorf("newest of %q of %q at %q is %s, want %s, error %v",
				event.Object, event.Instance, event.Source, newest, event.SentAt, err)
		}
	}
}
