package admin_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/admin"
	"sluice.internal/shared/streamtest"
)

// losing is a way to a server on which a client's first request for messages gets lost.
type losing struct {
	url  string
	lost atomic.Bool
}

// startLosing forwards connections to a server until the test ends. The request is renamed to one that somebody takes and
// never answers, since the server says of what nobody takes that it is lost.
func startLosing(t *testing.T, server *streamtest.Server) *losing {
	t.Helper()
	if _, err := server.Connect(t).Subscribe("$JS.API.CONSUMER.MSG.LOST.>", func(*nats.Msg) {}); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &losing{url: "nats://" + listener.Addr().String()}
	done := make(chan struct{})
	go func() {
		defer close(done)
		client, err := listener.Accept()
		if err != nil {
			return
		}
		l.forward(client, strings.TrimPrefix(server.URL(), "nats://"))
	}()
	t.Cleanup(func() {
		_ = listener.Close()
		<-done
	})
	return l
}

// forward ends with the client's connection.
func (l *losing) forward(client net.Conn, address string) {
	defer client.Close()
	server, err := net.Dial("tcp", address)
	if err != nil {
		return
	}
	answers := make(chan struct{})
	go func() {
		defer close(answers)
		_, _ = io.Copy(client, server)
	}()
	buffer := make([]byte, 64<<10)
	for {
		n, err := client.Read(buffer)
		if i := bytes.Index(buffer[:n], []byte(".MSG.NEXT.")); i >= 0 && l.lost.CompareAndSwap(false, true) {
			copy(buffer[i:], ".MSG.LOST.")
		}
		if _, failure := server.Write(buffer[:n]); err != nil || failure != nil {
			break
		}
	}
	_ = server.Close()
	<-answers
}

func TestListingGoesOnWhenItsRequestWasLost(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	streams, ctx := server.Open(t), streamtest.Context(t)
	streamtest.Publish(ctx, t, streams, 0, 10)
	way := startLosing(t, server)
	conn, err := stream.Connect(streamtest.At(t, way.url), t.Name(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	operator, err := admin.Attach(ctx, conn)
	if err != nil {
		t.Fatal(err)
	}
	if kept := streamtest.Collect(t, operator.Notifications(ctx, admin.Query{})); len(kept) != 10 {
		t.Errorf("read %d notifications of 10", len(kept))
	}
	if !way.lost.Load() {
		t.Error("no request was lost")
	}
}

func TestListingThatIsCutShortSaysSo(t *testing.T) {
	t.Parallel()
	streams := streamtest.Start(t).Open(t)
	ended, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	var failure error
	for _, err := range streams.Notifications(ended, admin.Query{}) {
		failure = err
	}
	if !errors.Is(failure, context.DeadlineExceeded) {
		t.Errorf("error %v", failure)
	}
}
