package worker_test

import (
	"bytes"
	"context"
	"sync"
	"testing"
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/streamtest"
)

// A large event waits without its body. When it is erased meanwhile, its chat goes on.
func TestEventThatIsErasedWhileItWaitsHoldsUpNoChat(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	keys := []string{"first", "erased", "last"}
	var erased uint64
	for _, key := range keys {
		n := notification.Notification{Origin: notification.Origin{
			Source: "green-api", Provider: "green-api", ReceivedAt: time.Now().UTC(), Body: bytes.Repeat([]byte("a"), 1<<20),
		}}
		stored, err := b.streams.PublishEvents(b.context(), []notification.Event{streamtest.NewEvent(b.streams, &n, notification.Identity{
			Type: "incomingCall", Instance: "1", OrderKey: "one chat", Key: key,
		})})
		streamtest.Must(t, err)
		if key == "erased" {
			erased = stored[0].Sequence
		}
	}
	var (
		mutex   sync.Mutex
		handled []string
	)
	begun, goOn := make(chan struct{}), make(chan struct{})
	b.start(settings{NoIntake: true, Handlers: handlers(func(_ context.Context, event notification.Event) error {
		if event.Key == "first" {
			close(begun)
			<-goOn
		}
		mutex.Lock()
		defer mutex.Unlock()
		handled = append(handled, event.Key)
		return nil
	})})
	<-begun
	b.awaitHandedOut(len(keys))
	events, err := b.streams.JetStream().Stream(b.context(), stream.Events)
	streamtest.Must(t, err)
	streamtest.Must(t, events.SecureDeleteMsg(b.context(), erased))
	close(goOn)
	b.drain()
	mutex.Lock()
	defer mutex.Unlock()
	if len(handled) != 2 || handled[1] != "last" {
		t.Errorf("handled %v", handled)
	}
}

// awaitHandedOut waits until so many events are in the hands of workers.
func (b *bench) awaitHandedOut(count int) {
	b.t.Helper()
	for {
		consumers, err := b.streams.Consumers(b.context(), stream.Events)
		streamtest.Must(b.t, err)
		handedOut := 0
		for _, info := range consumers {
			handedOut += info.NumAckPending
		}
		if handedOut == count {
			return
		}
		if b.context().Err() != nil {
			b.t.Fatalf("%d of %d events are handed out", handedOut, count)
		}
	}
}
