package worker_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/streamtest"
)

// chatInTwoLanes is a number whose spellings of before are in different lanes.
func (b *bench) chatInTwoLanes() (number int) {
	b.t.Helper()
	lane := func(chat string) int {
		n := notification.Notification{Origin: notification.Origin{Source: "green-api"}}
		return streamtest.NewEvent(b.streams, &n, notification.Identity{Type: "x", Instance: "1101000001", OrderKey: chat, Key: "k"}).Lane
	}
	for number = 71230000000; lane(fmt.Sprintf("%d@c.us", number)) == lane(fmt.Sprintf("%d@s.whatsapp.net", number)); number++ {
		continue
	}
	return number
}

// What waits in a lane of before is handled before what comes behind it in the lane of now, although these lanes know nothing
// of each other.
func TestShardGoesOverToPresentKeysOnceMovedChatsAreHandled(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for shard := range b.streams.Shards() { // As a worker with version 1 of the keys leaves them.
		if _, err := b.streams.JetStream().CreateConsumer(b.context(), stream.Notifications, jetstream.ConsumerConfig{
			Durable: fmt.Sprintf("intake-%d", shard), FilterSubject: fmt.Sprintf("in.%d.>", shard), AckPolicy: jetstream.AckExplicitPolicy,
			PriorityPolicy: jetstream.PriorityPolicyPinned, PriorityGroups: []string{"intake"}, PinnedTTL: 6 * time.Second, MaxDeliver: -1,
		}); err != nil {
			t.Fatal(err)
		}
	}
	number := b.chatInTwoLanes()
	status := func(chat, status string) string {
		return fmt.Sprintf(`{"typeWebhook":"outgoingMessageStatus","chatId":"%d%s","instanceData":{"idInstance":1101000001},`+
			`"timestamp":1790000007,"idMessage":"M","status":%q}`, number, chat, status)
	}
	b.send(status("@s.whatsapp.net", "sent"))
	var (
		mutex   sync.Mutex
		handled []string
	)
	began := make(chan struct{})
	b.start(settings{Handlers: handlers(func(ctx context.Context, event notification.Event) error {
		if strings.HasSuffix(event.OrderKey, "@s.whatsapp.net") {
			close(began)
			for !strings.Contains(b.log.String(), "shard waits for groups") { // Until the next one waits, or was handled before.
				mutex.Lock()
				before := len(handled)
				mutex.Unlock()
				if before > 0 || ctx.Err() != nil {
					break
				}
				time.Sleep(time.Millisecond)
			}
		}
		mutex.Lock()
		defer mutex.Unlock()
		handled = append(handled, event.OrderKey)
		return nil
	})})
	select {
	case <-began:
	case <-b.context().Done():
		t.Fatal("the event of before is not handled")
	}
	b.send(status("@c.us", "read"))
	b.drain()
	want := []string{fmt.Sprintf("%d@s.whatsapp.net", number), fmt.Sprintf("%d@c.us", number)}
	mutex.Lock()
	defer mutex.Unlock()
	if fmt.Sprint(handled) != fmt.Sprint(want) {
		t.Errorf("handled %v, want %v", handled, want)
	}
}
