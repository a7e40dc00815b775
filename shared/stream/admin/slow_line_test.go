package admin_test

import (
	"log/slog"
	"testing"

	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/admin"
	"sluice.internal/shared/streamtest"
)

// A message that takes longer than the answers to some pings is on its way all the same. The answer that no message is left
// comes behind it.
func TestLargeMessageIsReadOverASlowLine(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	streams := server.Open(t)
	ctx := streamtest.Context(t)
	n := streamtest.Notification(0)
	n.Body = make([]byte, 120<<10)
	if _, err := streams.PublishNotification(ctx, &n); err != nil {
		t.Fatal(err)
	}
	conn, err := stream.Connect(streamtest.At(t, streamtest.SlowLine(t, server.URL(), 6)), t.Name(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	reading, err := admin.Attach(ctx, conn)
	if err != nil {
		t.Fatal(err)
	}
	got := streamtest.Collect(t, reading.Notifications(ctx, admin.Query{}))
	if len(got) != 1 || len(got[0].Body) != len(n.Body) {
		t.Errorf("%d notifications", len(got))
	}
	if sent := conn.Stats().InBytes; sent > uint64(2*len(n.Body)) {
		t.Errorf("the line brought %d bytes for a body of %d", sent, len(n.Body))
	}
}
