package worker_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sluice.internal/shared/config"
	"sluice.internal/shared/notification"
	"sluice.internal/shared/source"
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
		n := &notification.Notification{Origin: notification.Origin{
			Source: "shop", Provider: "shop", ReceivedAt: time.Now().UTC(),
			RequestID: fmt.Sprintf("%s-%d", b.t.Name(), b.sent.Add(1)), Body: body,
		}}
		n.Type, n.Instance = provider.Peek(n)
		if _, err := b.streams.PublishNotification(b.context(), n); err != nil {
			b.t.Fatal(err)
		}
	}
}

// startShop runs a worker that knows the shop.
func (b *bench) startShop(handle handlers) (stop func() error) {
	b.t.Helper()
	log := slog.New(slog.NewTextHandler(b.log, nil))
	w, err := worker.New(b.context(), config.Default(), worker.Parts{
		Providers: map[string]source.Provider{"shop": shop()}, Handlers: handle,
	}, b.server.OpenLogged(b.t, log).Client, log)
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

// outdatings are what shops send, and which events that makes, those that are outdated with a star.
var outdatings = map[string]struct {
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
}

// The shops of all cases send to the same workers.
func TestOlderEventAboutAnObjectIsOutdated(t *testing.T) {
	t.Parallel()
	var waves [][]order // the first orders of all, then the second ones
	for name, test := range outdatings {
		for i, o := range test.orders {
			if i == len(waves) {
				waves = append(waves, nil)
			}
			o.ID, o.Shop = name+"/"+o.ID, name+"/"+o.Shop
			waves[i] = append(waves[i], o)
		}
	}
	t.Run("in one batch", func(t *testing.T) { // All are there already when the worker comes.
		t.Parallel()
		checkOutdated(t, [][]order{slices.Concat(waves...)})
	})
	t.Run("each by a worker that has just begun", func(t *testing.T) {
		t.Parallel()
		checkOutdated(t, waves)
	})
}

// checkOutdated has each wave taken in by a worker of its own.
func checkOutdated(t *testing.T, waves [][]order) {
	t.Helper()
	b := newBench(t)
	var (
		mutex sync.Mutex
		told  = map[string][]string{} // by case
		got   = map[string][]string{}
	)
	note := func(in map[string][]string, key string) {
		name, id, _ := strings.Cut(key, "/")
		in[name] = append(in[name], id)
	}
	for _, wave := range waves {
		b.sell(wave...)
		stop := b.startShop(func(_ context.Context, event notification.Event) error {
			mutex.Lock()
			defer mutex.Unlock()
			if event.Outdated {
				note(told, event.Key+"*")
			}
			return nil
		})
		b.drain()
		if err := stop(); err != nil {
			t.Fatal(err)
		}
	}
	for _, key := range b.outdated() {
		note(got, key)
	}
	mutex.Lock()
	defer mutex.Unlock()
	for name, test := range outdatings {
		marked := slices.DeleteFunc(slices.Clone(test.want), func(key string) bool { return key[len(key)-1] != '*' })
		for _, keys := range [][]string{got[name], told[name]} {
			slices.Sort(keys) // Two shops need not be in one shard.
		}
		if !slices.Equal(got[name], test.want) {
			t.Errorf("%s: events %v, want %v", name, got[name], test.want)
		}
		if !slices.Equal(told[name], marked) {
			t.Errorf("%s: handlers are told %v, want %v", name, told[name], marked)
		}
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
	if err := b.streams.SetLatestSentAt(b.context(), &notification.Event{
		Origin:   notification.Origin{Source: "shop"},
		Identity: notification.Identity{Instance: "1", Object: "x", SentAt: time.Unix(30, 0)},
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
