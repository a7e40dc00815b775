package worker_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"sluice.internal/schemas"
	"sluice.internal/shared/notification"
	"sluice.internal/shared/source"
	"sluice.internal/shared/stream"
	"sluice.internal/worker"
)

// order is a notification of the provider "shop": what it knows of an object at a time.
type order struct {
	ID, Shop, Object string
	At               int // seconds
}

// shop sends notifications out of order, each with the whole state of an object.
func shop() source.Provider {
	read := func(body []byte) (o order) {
		_ = json.Unmarshal(body, &o)
		return o
	}
	return source.Provider{
		Name: "shop", Configurable: true, // It has no schema.
		Peek: func(n *notification.Notification) (kind, instance string) { return "order", read(n.Body).Shop },
		Identify: func(n *notification.Notification, _ *notification.Document) notification.Identity {
			o := read(n.Body)
			identity := notification.Identity{Type: "order", Instance: o.Shop, OrderKey: o.Object, Object: o.Object, Key: o.ID}
			if o.At != 0 {
				identity.SentAt = time.Unix(int64(o.At), 0).UTC()
			}
			return identity
		},
	}
}

// sell publishes what a shop sends, as a gateway does.
func (b *bench) sell(orders ...order) {
	b.t.Helper()
	provider := shop()
	for _, o := range orders {
		body, err := json.Marshal(o)
		if err != nil {
			b.t.Fatal(err)
		}
		n := &notification.Notification{
			Source: "shop", Provider: "shop", ReceivedAt: time.Now().UTC(),
			RequestID: fmt.Sprintf("%s-%d", b.t.Name(), b.sent.Add(1)), Body: body,
		}
		n.Type, n.Instance = provider.Peek(n)
		if _, err := b.streams.PublishNotification(b.context(), n); err != nil {
			b.t.Fatal(err)
		}
	}
}

// startShop runs a worker that knows the shop.
func (b *bench) startShop(handle handlers) (stop func() error) {
	b.t.Helper()
	set, err := schemas.Load()
	if err != nil {
		b.t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(b.log, nil))
	w, err := worker.New(b.context(), worker.Settings{
		Schemas: set, Providers: map[string]source.Provider{"shop": shop()}, Handlers: handle,
	}, b.server.OpenLogged(b.t, stream.Settings{}, log), log)
	if err != nil {
		b.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	stop = sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
	b.t.Cleanup(func() {
		if err := stop(); err != nil {
			b.t.Error(err)
		}
	})
	return stop
}

// outdated are the keys of the events that were accepted, in order, those that are outdated with a star.
func (b *bench) outdated() (keys []string) {
	b.t.Helper()
	for _, event := range b.events() {
		if event.Outdated {
			event.Key += "*"
		}
		keys = append(keys, event.Key)
	}
	return keys
}

func TestOlderEventAboutAnObjectIsOutdated(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		orders []order
		want   []string
	}{
		"in order":                        {[]order{{"a", "1", "x", 1}, {"b", "1", "x", 2}, {"c", "1", "x", 3}}, []string{"a", "b", "c"}},
		"newer before older":              {[]order{{"a", "1", "x", 2}, {"b", "1", "x", 1}, {"c", "1", "x", 3}}, []string{"a", "b*", "c"}},
		"of the same time":                {[]order{{"a", "1", "x", 2}, {"b", "1", "x", 2}, {"c", "1", "x", 1}}, []string{"a", "b", "c*"}},
		"about two objects":               {[]order{{"a", "1", "x", 2}, {"b", "1", "y", 1}, {"c", "1", "x", 1}, {"d", "1", "y", 2}}, []string{"a", "b", "c*", "d"}},
		"of two shops":                    {[]order{{"a", "1", "x", 2}, {"b", "2", "x", 1}, {"c", "2", "x", 2}, {"d", "1", "x", 1}}, []string{"a", "b", "c", "d*"}},
		"without a time":                  {[]order{{"a", "1", "x", 2}, {"b", "1", "x", 0}, {"c", "1", "x", 1}}, []string{"a", "b", "c*"}},
		"without an object":               {[]order{{"a", "1", "", 2}, {"b", "1", "", 1}}, []string{"a", "b"}},
		"a repetition of the newest":      {[]order{{"a", "1", "x", 2}, {"a", "1", "x", 2}, {"b", "1", "x", 3}}, []string{"a", "b"}},
		"a repetition of an older":        {[]order{{"a", "1", "x", 1}, {"b", "1", "x", 2}, {"a", "1", "x", 1}, {"c", "1", "x", 2}}, []string{"a", "b", "c"}},
		"a repetition of an outdated one": {[]order{{"a", "1", "x", 2}, {"b", "1", "x", 1}, {"b", "1", "x", 1}, {"c", "1", "x", 2}}, []string{"a", "b*", "c"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, together := range []bool{true, false} {
				b := newBench(t)
				var (
					mutex sync.Mutex
					told  []string
				)
				handle := func(_ context.Context, event notification.Event) error {
					mutex.Lock()
					defer mutex.Unlock()
					if event.Outdated {
						told = append(told, event.Key+"*")
					}
					return nil
				}
				if together { // All are there already when the worker comes, and so are taken in as one batch.
					b.sell(test.orders...)
					b.startShop(handle)
					b.drain()
				} else { // Each is taken in by a worker that has just begun.
					for _, o := range test.orders {
						b.sell(o)
						stop := b.startShop(handle)
						b.drain()
						if err := stop(); err != nil {
							t.Fatal(err)
						}
					}
				}
				got := slices.Sorted(slices.Values(b.outdated())) // Two shops need not be in one shard.
				want := slices.Sorted(slices.Values(test.want))
				if !slices.Equal(got, want) {
					t.Errorf("in one batch %t: events %v, want %v", together, got, want)
				}
				marked := slices.DeleteFunc(want, func(key string) bool { return key[len(key)-1] != '*' })
				mutex.Lock()
				if slices.Sort(told); !slices.Equal(told, marked) {
					t.Errorf("in one batch %t: handlers are told %v, want %v", together, told, marked)
				}
				mutex.Unlock()
			}
		})
	}
}

func TestNewestTimeIsKnownToWhoeverHasTheShard(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	nothing := func(context.Context, notification.Event) error { return nil }
	b.startShop(nothing)
	b.sell(order{"a", "1", "x", 10})
	b.drain()
	// Another worker has the shard for a while, and the first gets it back without having been stopped.
	if err := b.streams.SetNewestOf(b.context(), &notification.Event{
		Source: "shop", Identity: notification.Identity{Instance: "1", Object: "x", SentAt: time.Unix(30, 0)},
	}); err != nil {
		t.Fatal(err)
	}
	b.sell(order{"b", "1", "x", 20})
	b.drain()
	b.sell(order{"c", "1", "x", 25}, order{"d", "1", "x", 30}, order{"e", "1", "x", 31}, order{"f", "1", "x", 30})
	b.drain()
	if got, want := b.outdated(), []string{"a", "b*", "c*", "d", "e", "f*"}; !slices.Equal(got, want) {
		t.Errorf("events %v, want %v", got, want)
	}
}

func TestManyObjectsInOneBatchAreAllKnown(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	const objects = 150
	var orders []order
	for _, at := range []int{2, 1} {
		for object := range objects {
			orders = append(orders, order{fmt.Sprintf("%d/%d", object, at), "1", fmt.Sprint("o", object), at})
		}
	}
	b.sell(orders...)
	b.startShop(func(context.Context, notification.Event) error { return nil })
	b.drain()
	events := b.events()
	if len(events) != 2*objects {
		t.Fatalf("%d events, want %d", len(events), 2*objects)
	}
	for _, event := range events {
		if event.Outdated != (event.SentAt.Unix() == 1) {
			t.Errorf("%s outdated: %t", event.Key, event.Outdated)
		}
	}
}
