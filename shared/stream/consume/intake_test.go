package consume_test

import (
	"encoding/json"
	"testing"
	"time"

	"sluice.internal/shared/streamtest"
)

// What a frozen worker's request was sent after its end is lost to it, as here what goes to another inbox.
func TestMissedNotificationsComeBeforeNewerOnes(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	streams, ctx := server.Open(t, streamtest.Shards(1)), streamtest.Context(t)
	streamtest.Publish(ctx, t, streams, 0, 3)
	intake, err := streams.Intake(ctx, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, received := range streamtest.NextN(ctx, t, intake, 3) {
		if err := received.Ack(); err != nil {
			t.Fatal(err)
		}
	}
	stolen := steal(t, server, intake.Pin())
	count := 3
	for ; !stolen(); count++ {
		streamtest.Publish(ctx, t, streams, count, 1)
	}
	streamtest.Publish(ctx, t, streams, count, 3)
	var last uint64 = 3
	for last < uint64(count+3) {
		for _, received := range streamtest.NextN(ctx, t, intake, 1) {
			if received.Sequence > last+1 {
				t.Fatalf("notification %d came behind %d", received.Sequence, last)
			}
			last = received.Sequence
		}
	}
}

// steal asks for a message with a worker's pin and throws it away. The function it returns reports whether it came.
func steal(t *testing.T, server *streamtest.Server, pin string) (done func() bool) {
	t.Helper()
	conn := server.Connect(t)
	inbox, err := conn.SubscribeSync(conn.NewInbox())
	if err != nil {
		t.Fatal(err)
	}
	request, err := json.Marshal(map[string]any{"batch": 1, "group": "intake", "id": pin, "expires": (20 * time.Second).Nanoseconds()})
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.PublishRequest("$JS.API.CONSUMER.MSG.NEXT.NOTIFICATIONS.shard-0", inbox.Subject, request); err != nil {
		t.Fatal(err)
	}
	if err := conn.Flush(); err != nil {
		t.Fatal(err)
	}
	return func() bool {
		_, err := inbox.NextMsg(10 * time.Millisecond)
		return err == nil
	}
}
