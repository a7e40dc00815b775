package consume_test

import (
	"log/slog"
	"testing"

	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/consume"
	"sluice.internal/shared/streamtest"
)

// A request that is given up while its message still comes is made again, and so is its message.
func TestNotificationThatTakesLongerThanItsRequestIsTakenIn(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	streams := server.Open(t, streamtest.Shards(1))
	ctx := streamtest.Context(t)
	n := streamtest.Notification(0)
	n.Body = make([]byte, 256<<10)
	if _, err := streams.PublishNotification(ctx, &n); err != nil {
		t.Fatal(err)
	}
	const pings = 3 // The time of a request for notifications has a ping, and so has its end.
	conn, err := stream.Connect(streamtest.At(t, streamtest.SlowLine(t, server.URL(), pings)), t.Name(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	slow, err := stream.Attach(ctx, conn)
	if err != nil {
		t.Fatal(err)
	}
	intake, err := consume.NewClient(slow).Intake(ctx, 0)
	if err != nil {
		t.Fatal(err)
	}
	batch, err := intake.Next(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if len(batch) != 1 || len(batch[0].Body) != len(n.Body) {
		t.Errorf("%d notifications", len(batch))
	}
}
