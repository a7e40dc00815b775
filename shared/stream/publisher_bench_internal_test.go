package stream

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"sluice.internal/shared/config"
	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream/internal/groupcommit"
	"sluice.internal/shared/streamtest/process"
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
	running, err := process.Start(process.Options{Name: "test", StoreDir: b.TempDir(), SyncAlways: synced, MaxPayload: 9 << 20})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = running.Stop() }()
	conn, err := nats.Connect(running.URL())
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	configured := config.Default().Streams
	configured.Notifications.MaxBytes = 8 << 30
	streams, err := Open(b.Context(), conn, configured, slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	publisher := NewPublisher(streams)
	switch strategy {
	case "single":
		publisher.notifications = newGroupCommit(streams.publishOnce, streams.StoreBatch, groupcommit.SinglesOnly())
	case "batch":
		publisher.notifications = newGroupCommit(streams.publishOnce, streams.StoreBatch, groupcommit.Fixed(2))
	}
	body := make([]byte, 960)
	var next atomic.Int64
	var group sync.WaitGroup
	work := func(limit int64, prefix string) {
		next.Store(0)
		for range callers {
			group.Go(func() {
				for id := next.Add(1); id <= limit; id = next.Add(1) {
					n := &notification.Notification{Origin: notification.Origin{Source: "green-api", RequestID: fmt.Sprint(prefix, id), Body: body, ReceivedAt: time.Now()}}
					if _, err := publisher.PublishNotification(context.Background(), n); err != nil {
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
