package gateway_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"sluice.internal/gateway"
	"sluice.internal/shared/notification"
)

// forgetful takes everything and keeps nothing.
type forgetful struct{ *memory }

func (*forgetful) PublishNotification(context.Context, *notification.Notification) (uint64, error) {
	return 1, nil
}

func (*forgetful) PublishRejection(context.Context, *notification.Rejection) error { return nil }

// BenchmarkWebhook measures the gateway without a store and nearly without a client: requests are written as
// they are, over one connection for each processor.
func BenchmarkWebhook(b *testing.B) {
	body := incoming + strings.Repeat(" ", 2000-len(incoming)) // The size of a usual notification.
	for name, authorization := range map[string]string{"stored": token, "refused": "wrong"} {
		b.Run(name, func(b *testing.B) {
			address := silent(b)
			request := fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\nUser-Agent: axios/1.7\r\nAuthorization: Bearer %s\r\n"+
				"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", hookPath, authorization, len(body), body)
			b.ReportAllocs()
			b.SetBytes(int64(len(request)))
			var broken atomic.Int64
			b.RunParallel(func(pb *testing.PB) {
				conn, err := net.Dial("tcp", address)
				if err != nil {
					broken.Add(1)
					return
				}
				defer conn.Close()
				reader := bufio.NewReader(conn)
				for pb.Next() {
					if exchange(conn, reader, request) != nil {
						broken.Add(1)
						return
					}
				}
			})
			if broken.Load() > 0 {
				b.Fatal("a connection broke")
			}
		})
	}
}

func exchange(conn net.Conn, reader *bufio.Reader, request string) error {
	if _, err := io.WriteString(conn, request); err != nil {
		return err
	}
	length := 0
	for {
		line, err := reader.ReadSlice('\n')
		if err != nil {
			return err
		}
		if len(line) == 2 {
			break
		}
		if _, err := fmt.Sscanf(string(line), "Content-Length: %d", &length); err != nil {
			continue
		}
	}
	_, err := reader.Discard(length)
	return err
}

// silent runs a gateway that logs nothing and returns its address.
func silent(b *testing.B) string {
	b.Helper()
	g, err := gateway.New(greenAPI(), &forgetful{newMemory()}, slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- g.Run(ctx) }()
	b.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			b.Error(err)
		}
	})
	return g.Address()
}

// BenchmarkHandler measures the same without a connection.
func BenchmarkHandler(b *testing.B) {
	g, err := gateway.New(greenAPI(), &forgetful{newMemory()}, slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	handler := g.Handler()
	b.ReportAllocs()
	for b.Loop() {
		if handle(handler, token, []byte(incoming)) != http.StatusOK {
			b.Fatal("not stored")
		}
	}
}
