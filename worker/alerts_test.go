package worker_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/admin"
)

func TestAlertsThatCannotBeStoredHoldUpNoNotification(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.unmanaged = true
	b.start(settings{})
	if err := b.streams.JetStream().DeleteStream(b.context(), stream.Alerts); err != nil {
		t.Fatal(err)
	}
	for id := range 4 { // Each alert fails after ten seconds.
		b.send(fmt.Sprintf(`{"typeWebhook":"new%d","instanceData":{"idInstance":1},"timestamp":1700000000}`, id))
	}
	b.send(fmt.Sprintf(call, 1, "A"))
	for event, err := range b.streams.Events(b.context(), admin.Query{Instance: "1", Type: "incomingCall", Follow: true}) {
		if err != nil {
			t.Fatal(err)
		}
		if event.Type == "incomingCall" {
			return
		}
	}
	t.Error("the event did not come")
}

func TestNewTypeIsLoggedOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.start(settings{})
	for id := range 20 {
		b.send(fmt.Sprintf(`{"typeWebhook":"new","instanceData":{"idInstance":1},"timestamp":%d}`, id))
	}
	b.drain()
	b.awaitAlert()
	if events := len(b.events()); events != 20 {
		t.Errorf("%d events, want 20", events)
	}
	if lines := strings.Count(b.log.String(), "level=WARN msg=\"notification of a new type accepted\""); lines != 1 {
		t.Errorf("%d lines, want 1:\n%s", lines, b.log)
	}
}

// awaitAlert waits until an alert is stored.
func (b *bench) awaitAlert() {
	b.t.Helper()
	for b.context().Err() == nil && b.alerts() == 0 {
	}
}

func TestShardThatWorksSaysNothingOfOneThatDoesNot(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	const broken = 1
	_, err := b.streams.JetStream().CreatePushConsumer(b.context(), stream.Notifications, jetstream.ConsumerConfig{
		Durable: "shard-" + strconv.Itoa(broken), DeliverSubject: "nowhere", AckPolicy: jetstream.AckExplicitPolicy,
	})
	if err != nil {
		t.Fatal(err)
	}
	b.start(settings{})
	b.awaitLog("intake is in trouble")
	for instance := range 20 {
		b.send(fmt.Sprintf(call, instance, "A"))
	}
	b.awaitLog("level=DEBUG msg=\"notification accepted\"")
	if log := b.log.String(); strings.Contains(log, "works again") || !strings.Contains(log, "shard=1") {
		t.Errorf("log:\n%s", log)
	}
}
