package consume_test

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"sluice.internal/shared/stream"
	"sluice.internal/shared/streamtest"
)

// losing passes on what a client sends to a server and the other way round, until the test ends. Once it is told to, it
// loses a request with the subject, as a cluster does while a stream has no leader.
func losing(t *testing.T, server, subject string) (address string, lose *atomic.Bool) {
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
	lose = &atomic.Bool{}
	go func() {
		client, err := listener.Accept()
		if err != nil {
			return
		}
		defer client.Close()
		upstream, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", at.Host)
		if err != nil {
			return
		}
		defer upstream.Close()
		go func() { _, _ = io.Copy(client, upstream) }()
		passOn(upstream, bufio.NewReader(client), subject, lose)
	}()
	return "nats://" + listener.Addr().String(), lose
}

// passOn passes on what a client says. Source: NATS client protocol.
func passOn(server io.Writer, client *bufio.Reader, subject string, lose *atomic.Bool) {
	for {
		line, err := client.ReadString('\n')
		if err != nil {
			return
		}
		words, payload := strings.Fields(line), []byte(nil)
		if verb := words[0]; verb == "PUB" || verb == "HPUB" {
			size, err := strconv.Atoi(words[len(words)-1])
			if err != nil {
				return
			}
			payload = make([]byte, size+len("\r\n"))
			if _, err := io.ReadFull(client, payload); err != nil {
				return
			}
			if words[1] == subject && lose.CompareAndSwap(true, false) {
				continue
			}
		}
		if _, err := server.Write(append([]byte(line), payload...)); err != nil {
			return
		}
	}
}

// An answer that does not come holds nobody up for as long as its context lasts.
func TestIntakeIsOpenedAlthoughARequestGoesUnanswered(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	streams := server.Open(t, streamtest.Shards(1))
	ctx := streamtest.Context(t)
	streamtest.Publish(ctx, t, streams, 0, 1)
	log := slog.New(slog.DiscardHandler)
	address, lose := losing(t, server.URL(), "$JS.API.STREAM.INFO."+stream.Events)
	conn, err := stream.Connect(streamtest.At(t, address), t.Name(), log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	attached, err := stream.Attach(ctx, conn)
	if err != nil {
		t.Fatal(err)
	}
	lose.Store(true)
	intake, err := streamtest.All(attached).Intake(ctx, 0)
	if err != nil {
		t.Fatal(err)
	}
	if batch, err := intake.Next(ctx); err != nil || len(batch) != 1 {
		t.Errorf("%d notifications, error %v", len(batch), err)
	}
	if lose.Load() {
		t.Error("every request was answered, so the test shows nothing")
	}
}
