package gateway_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

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

// BenchmarkBesideFlood measures requests that are right, one after the other, while others that are wrong come at a
// given rate from many addresses. How much longer they take then is what a flood costs those who may send.
func BenchmarkBesideFlood(b *testing.B) {
	for _, rate := range []int{0, 500, 2000} {
		b.Run(fmt.Sprintf("%d refused a second", rate), func(b *testing.B) {
			g, err := gateway.New(of("github"), &forgetful{newMemory()}, slog.New(slog.DiscardHandler))
			if err != nil {
				b.Fatal(err)
			}
			ctx, cancel := context.WithCancel(context.Background())
			var running sync.WaitGroup
			running.Go(func() { _ = g.Run(ctx) })
			running.Go(func() { flood(ctx, g.Handler(), rate) })
			body := []byte(incoming + strings.Repeat(" ", 2000-len(incoming)))
			for b.Loop() {
				if request := forged(b, body, signingSecret); serve(g.Handler(), request) != http.StatusOK {
					b.Fatal("not stored")
				}
			}
			cancel()
			running.Wait()
		})
	}
}

// flood sends wrong requests, a few each millisecond.
func flood(ctx context.Context, handler http.Handler, rate int) {
	if rate == 0 {
		return
	}
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for sent := 0; ; {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		for range rate / 100 {
			sent++
			request := httptest.NewRequestWithContext(ctx, http.MethodPost, "/github/webhook", strings.NewReader(incoming))
			request.RemoteAddr = fmt.Sprintf("10.%d.%d.%d:1", sent>>16&255, sent>>8&255, sent&255)
			request.Header.Set("X-Hub-Signature-256", "sha256="+strings.Repeat("ab", 32))
			serve(handler, request)
		}
	}
}

// forged is a request signed with the secret.
func forged(b *testing.B, body []byte, secret string) *http.Request {
	b.Helper()
	request := httptest.NewRequestWithContext(b.Context(), http.MethodPost, "/github/webhook", bytes.NewReader(body))
	signed(b, "github", secret, body)(request)
	return request
}

func serve(handler http.Handler, request *http.Request) int {
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, request)
	return answer.Code
}
