package worker_test

import (
	"context"
	"slices"
	"sync"
	"testing"

	"sluice.internal/shared/notification"
)

func TestIntakeAndHandlersMayRunApart(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	bodies := samples(t)[:3]
	b.send(bodies...)
	stop := b.start(settings{NoHandlers: true, Handlers: handlers(func(_ context.Context, event notification.Event) error {
		t.Errorf("worker without handlers handled %s", event.Key)
		return nil
	})})
	b.drain()
	if groups := mustStatus(t, b).Groups; len(groups) != 0 {
		t.Errorf("worker without handlers belongs to groups %+v", groups)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	var (
		mutex sync.Mutex
		seen  []string
	)
	b.start(settings{NoIntake: true, Handlers: handlers(func(_ context.Context, event notification.Event) error {
		mutex.Lock()
		defer mutex.Unlock()
		seen = append(seen, event.Key)
		return nil
	})})
	b.drain()
	mutex.Lock()
	defer mutex.Unlock()
	var want []string
	for _, event := range b.events() {
		want = append(want, event.Key)
	}
	slices.Sort(seen)
	slices.Sort(want)
	if len(want) != len(bodies) || !slices.Equal(seen, want) {
		t.Errorf("handled %q, want %q", seen, want)
	}
}
