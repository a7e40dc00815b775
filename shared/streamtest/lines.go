package streamtest

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
)

// largeMessage is how large a message is, in bytes, that a slow line takes its time for.
const largeMessage = 64 << 10

// SlowLine returns the address of a line to a server that lasts until the test ends. It brings half of each large message at
// once, and then a byte for each ping of the client's until there were so many, before it brings the rest. So it is as slow as
// the client is patient, on any machine.
func SlowLine(t testing.TB, server string, pings int) (address string) {
	t.Helper()
	return line(t, server, func(ctx context.Context) (request, answer passing) {
		pinged := make(chan struct{})
		request = func(line string, _ io.Writer, _ *bufio.Reader, _ int) (passed bool) {
			if strings.HasPrefix(line, "PING") {
				select {
				case pinged <- struct{}{}:
				default:
				}
			}
			return false
		}
		answer = func(line string, to io.Writer, from *bufio.Reader, size int) (passed bool) {
			if size < largeMessage {
				return false
			}
			// What fails here fails behind it as well.
			_, _ = io.WriteString(to, line)
			_, _ = io.CopyN(to, from, int64(size/2-pings))
			for range pings {
				select {
				case <-pinged:
					_, _ = io.CopyN(to, from, 1)
				case <-ctx.Done():
				}
			}
			_, _ = io.CopyN(to, from, int64(size-size/2))
			return true
		}
		return request, answer
	})
}

// LossyLine returns the address of a line to a server that lasts until the test ends. Once it is told a subject, it loses the
// next request that has it, as a cluster does while a stream has no leader. Lost reports whether there was one.
func LossyLine(t testing.TB, server string) (address string, lose func(subject string), lost func() bool) {
	t.Helper()
	var next atomic.Pointer[string]
	request := func(line string, _ io.Writer, from *bufio.Reader, size int) (passed bool) {
		subject := next.Load()
		if subject == nil || size == 0 || strings.Fields(line)[1] != *subject || !next.CompareAndSwap(subject, nil) {
			return false
		}
		_, _ = from.Discard(size) // What fails here fails behind it as well.
		return true
	}
	address = line(t, server, func(context.Context) (requests, answers passing) { return request, nil })
	return address, func(subject string) { next.Store(&subject) }, func() bool { return next.Load() == nil }
}

// passing may pass on a line with its payload of size bytes, which count the end of the line behind it; 0 without one. It reports
// whether it did.
type passing func(line string, to io.Writer, from *bufio.Reader, size int) (passed bool)

// line listens for clients of a server, and passes on what both say. Made is called for each connection, whose context ends with
// it. Source: NATS client protocol.
func line(t testing.TB, server string, made func(context.Context) (request, answer passing)) (address string) {
	t.Helper()
	at, err := url.Parse(server)
	must(t, err)
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	must(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(func() { cancel(); _ = listener.Close() })
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go connect(ctx, client, at.Host, made)
		}
	}()
	return "nats://" + listener.Addr().String()
}

// connect connects a client with the server until one of them, or the test, ends.
func connect(ctx context.Context, client net.Conn, server string, made func(context.Context) (request, answer passing)) {
	defer client.Close()
	upstream, err := (&net.Dialer{}).DialContext(ctx, "tcp", server)
	if err != nil {
		return
	}
	defer upstream.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	context.AfterFunc(ctx, func() { _, _ = client.Close(), upstream.Close() })
	request, answer := made(ctx)
	go func() {
		defer cancel()
		pass(upstream, bufio.NewReader(client), request)
	}()
	pass(client, bufio.NewReader(upstream), answer)
}

// pass passes on lines, each with its payload, until one side ends.
func pass(to io.Writer, from *bufio.Reader, passing passing) {
	for {
		line, err := from.ReadString('\n')
		if err != nil {
			return
		}
		size := 0
		switch words := strings.Fields(line); words[0] {
		case "PUB", "HPUB", "MSG", "HMSG":
			if size, err = strconv.Atoi(words[len(words)-1]); err != nil {
				return
			}
			size += len("\r\n")
		}
		if passing != nil && passing(line, to, from, size) {
			continue
		}
		if _, err := io.CopyN(to, io.MultiReader(strings.NewReader(line), from), int64(len(line)+size)); err != nil {
			return
		}
	}
}
