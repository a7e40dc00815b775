package stream

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"sluice.internal/shared/notification"
)

// BenchmarkPublisher compares the publisher with both pure strategies, synced and not, at growing numbers of
// callers. Each figure is the time per message.
func BenchmarkPublisher(b *testing.B) {
	for _, synced := range []bool{true, false} {
		for _, callers := range []int{1, 4, 16, 64, 256, 512} {
			for _, strategy := range []string{"chosen", "single", "batch"} {
				b.Run(fmt.Sprintf("synced=%t/callers=%d/%s", synced, callers, strategy), func(b *testing.B) {
					benchmarkPublisher(b, synced, callers, strategy)
				})
			}
		}
	}
}

func benchmarkPublisher(b *testing.B, synced bool, callers int, strategy string) {
	b.Helper()
	running, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: b.TempDir(), SyncAlways: synced,
		NoLog: true, NoSigs: true, MaxPayload: 9 << 20,
	})
	if err != nil {
		b.Fatal(err)
	}
	running.Start()
	defer running.WaitForShutdown()
	defer running.Shutdown()
	if !running.ReadyForConnections(10 * time.Second) {
		b.Fatal("no server")
	}
	conn, err := nats.Connect(running.ClientURL())
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	streams, err := Open(b.Context(), conn, Settings{Notifications: Bounds{MaxBytes: 8 * gib}}, slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	p := streams.publisher
	switch strategy {
	case "single":
		p.cost = &costs{settled: neverBatch}
	case "batch":
		p.cost = &costs{settled: 2}
	}
	body := make([]byte, 960)
	var next atomic.Int64
	var group sync.WaitGroup
	work := func(limit int64, prefix string) {
		next.Store(0)
		for range callers {
			group.Go(func() {
				for id := next.Add(1); id <= limit; id = next.Add(1) {
					n := &notification.Notification{Source: "green-api", RequestID: fmt.Sprint(prefix, id), Body: body, ReceivedAt: time.Now()}
					if _, err := streams.PublishNotification(context.Background(), n); err != nil {
						b.Error(err)
					}
				}
			})
		}
		group.Wait()
	}
	work(int64(20*callers), "warm")
	b.ResetTimer()
	work(int64(b.N), "run")
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msg/s")
}
