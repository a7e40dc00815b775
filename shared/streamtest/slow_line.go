package streamtest

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/url"
	"strconv"
	"strings"
	"testing"
)

// largeMessage is how large a message is, in bytes, that a slow line takes its time for.
const largeMessage = 64 << 10

// SlowLine returns the address of a line to a server that lasts until the test ends. It brings half of each large message at
// once, and then a byte for each ping of the client's until there were so many, before it brings the rest. So it is as slow as
// the client is patient, on any machine.
func SlowLine(t testing.TB, server string, pings int) (address string) {
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
			go connect(ctx, client, at.Host, pings)
		}
	}()
	return "nats://" + listener.Addr().String()
}

// connect passes on what client and server say until one of them ends.
func connect(ctx context.Context, client net.Conn, server string, pings int) {
	defer client.Close()
	upstream, err := (&net.Dialer{}).DialContext(ctx, "tcp", server)
	if err != nil {
		return
	}
	defer upstream.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	context.AfterFunc(ctx, func() { _, _ = client.Close(), upstream.Close() })
	pinged := make(chan struct{})
	go func() {
		defer cancel()
		pass(upstream, bufio.NewReader(client), func(line string, _ int) (passed bool) {
			if strings.HasPrefix(line, "PING") {
				select {
				case pinged <- struct{}{}:
				default:
				}
			}
			return false
		})
	}()
	from := bufio.NewReader(upstream)
	pass(client, from, func(_ string, size int) (passed bool) {
		if size < largeMessage {
			return false
		}
		_, _ = io.CopyN(client, from, int64(size/2-pings)) // What fails here fails behind it as well.
		for range pings {
			select {
			case <-pinged:
				_, _ = io.CopyN(client, from, 1)
			case <-ctx.Done():
			}
		}
		_, _ = io.CopyN(client, from, int64(size-size/2))
		return true
	})
}

// pass passes on lines, each with its payload, until one side ends. Before a payload of size bytes, with the end of its line,
// it calls passing, which reports whether it passed that on itself. Source: NATS client protocol.
func pass(to io.Writer, from *bufio.Reader, passing func(line string, size int) (passed bool)) {
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
		if _, err := io.WriteString(to, line); err != nil {
			return
		}
		if !passing(line, size) {
			if _, err := io.CopyN(to, from, int64(size)); err != nil {
				return
			}
		}
	}
}
