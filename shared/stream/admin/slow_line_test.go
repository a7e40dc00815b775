package admin_test

import (
	"io"
	"log/slog"
	"net"
	"net/url"
	"testing"
	"time"

	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/admin"
	"sluice.internal/shared/streamtest"
)

// slowLine returns the address of a line to a server that brings so many bytes in a tenth of a second.
func slowLine(t *testing.T, server string, bytes int64) string {
	t.Helper()
	at, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		client, err := listener.Accept()
		if err != nil {
			return
		}
		defer client.Close()
		upstream, err := net.Dial("tcp", at.Host)
		if err != nil {
			return
		}
		defer upstream.Close()
		go func() { _, _ = io.Copy(upstream, client) }()
		for err == nil {
			_, err = io.CopyN(client, upstream, bytes)
			time.Sleep(100 * time.Millisecond)
		}
	}()
	return "nats://" + listener.Addr().String()
}

// The answer that no message is left comes behind the message itself.
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
	conn, err := stream.Connect(streamtest.At(t, slowLine(t, server.URL(), 4<<10)), t.Name(), slog.New(slog.DiscardHandler))
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
