package retention_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/shared/config"
	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/admin"
	"sluice.internal/shared/stream/retention"
	"sluice.internal/shared/streamtest"
)

func rejectionsOf(bytes config.Size) streamtest.Change {
	return func(s *config.Streams) { s.Rejections.MaxBytes = bytes }
}

// refused is a request of a stranger at an address.
func refused(source, cause, address string, size int) *notification.Rejection {
	return &notification.Rejection{Source: source, Cause: cause, RemoteAddress: address, Body: make([]byte, size)}
}

// keepFair runs what a worker runs, until the test is over, and counts the alerts.
func keepFair(t *testing.T, streams *streamtest.Streams) (alerts *atomic.Int64) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	alerts = &atomic.Int64{}
	var running sync.WaitGroup
	running.Go(func() {
		retention.RunRejections(ctx, streams.Client, slog.New(slog.DiscardHandler), func(context.Context, notification.Alert) error {
			alerts.Add(1)
			return nil
		})
	})
	t.Cleanup(func() {
		cancel()
		running.Wait()
	})
	return alerts
}

// kept counts what is stored of each source, cause and size, and what is told to be gone.
func kept(t *testing.T, streams *streamtest.Streams) (counts map[string]int, gone uint64) {
	t.Helper()
	counts = map[string]int{}
	for rejection, err := range streams.Rejections(streamtest.Context(t), admin.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		if gone += rejection.Skipped; rejection.Skipped == 0 {
			counts[fmt.Sprintf("%s %s %d", rejection.Source, rejection.Cause, len(rejection.Body))]++
		}
	}
	return counts, gone
}

func TestRejectionsOfAllSizesStayWhileThereIsCapacity(t *testing.T) {
	t.Parallel()
	streams := streamtest.Start(t).Open(t)
	alerts := keepFair(t, streams)
	ctx := streamtest.Context(t)
	sizes := []int{2000, 9000, 20_000, 200_000}
	for range 40 {
		for _, size := range sizes {
			streamtest.Must(t, streams.PublishRejection(ctx, refused("github", "wrong-secret", "192.0.2.1", size)))
		}
	}
	counts, gone := kept(t, streams)
	for _, size := range sizes {
		if got := counts[fmt.Sprintf("github wrong-secret %d", size)]; got != 40 {
			t.Errorf("%d of 40 with %d bytes are there", got, size)
		}
	}
	if gone != 0 || alerts.Load() != 0 {
		t.Errorf("%d are told to be gone, in %d alerts", gone, alerts.Load())
	}
}

// Two gateways store what strangers flood them with, one of them from another address than those who are honest.
func TestFloodOfStrangersCostsNeitherKnownSendersNorOtherSources(t *testing.T) {
	t.Parallel()
	const capacity, flood = 16 << 20, 64
	streams := streamtest.Start(t).Open(t, rejectionsOf(capacity))
	alerts := keepFair(t, streams)
	ctx := streamtest.Context(t)
	known := refused("green-api", "body-too-large", "192.0.2.7", 300_000)
	known.Known = true
	honest := map[string]*notification.Rejection{
		"green-api body-too-large 300000": known,
		"slack wrong-secret 20000":        refused("slack", "wrong-secret", "192.0.2.8", 20_000),
		"github no-signature 20000":       refused("github", "no-signature", "192.0.2.9", 20_000),
	}
	for range 5 {
		for _, one := range honest {
			streamtest.Must(t, streams.PublishRejection(ctx, one))
		}
	}
	var stored atomic.Int64
	var gateways sync.WaitGroup
	for gateway := range 2 {
		publisher := stream.NewPublisher(streams.Client)
		gateways.Go(func() {
			for range flood {
				one := refused("github", "wrong-secret", fmt.Sprintf("198.51.100.%d", gateway), 500_000)
				streamtest.Eventually(ctx, t, "capacity for the flood", func() bool { return publisher.PublishRejection(ctx, one) == nil })
				stored.Add(1)
			}
		})
	}
	gateways.Wait()
	info, err := streams.JetStream().Stream(ctx, stream.Rejections)
	if err != nil || info.CachedInfo().State.Bytes > capacity {
		t.Fatalf("the stream has %+v: %v", info.CachedInfo().State, err)
	}
	counts, _ := kept(t, streams)
	for kind := range honest {
		if counts[kind] != 5 {
			t.Errorf("%d of 5 are left of %s", counts[kind], kind)
		}
	}
	streamtest.Eventually(ctx, t, "the count of what is gone", func() bool {
		counts, gone := kept(t, streams)
		return alerts.Load() > 0 && gone > 0 && counts["github wrong-secret 500000"]+int(gone) <= 2*flood
	})
}

func TestKnownSendersRejectionWaitsForCapacityAndAStrangersDoesNot(t *testing.T) {
	t.Parallel()
	streams := streamtest.Start(t).Open(t, rejectionsOf(2<<20))
	ctx := streamtest.Context(t)
	var err error
	for range 100 {
		if err = streams.PublishRejection(ctx, refused("github", "wrong-secret", "192.0.2.1", 100_000)); err != nil {
			break
		}
	}
	if err == nil || !strings.Contains(err.Error(), stream.ErrFull.Error()) {
		t.Fatalf("the full stream: %v", err)
	}
	done := make(chan error, 1)
	go func() {
		known := refused("github", "body-too-large", "192.0.2.2", 400_000)
		known.Known = true
		done <- streams.PublishRejection(ctx, known)
	}()
	keepFair(t, streams)
	if err := <-done; err != nil {
		t.Errorf("the known sender's: %v", err)
	}
}

func TestRejectionsOfTheRingsGiveWayLikeOthers(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	streams := server.Open(t, rejectionsOf(4<<20))
	ctx := streamtest.Context(t)
	// As the version before stored them, in a stream that removed its oldest.
	info, err := streams.JetStream().Stream(ctx, stream.Rejections)
	if err != nil {
		t.Fatal(err)
	}
	before := info.CachedInfo().Config
	before.Discard, before.MaxMsgsPerSubject = jetstream.DiscardOld, 4
	if _, err := streams.JetStream().UpdateStream(ctx, before); err != nil {
		t.Fatal(err)
	}
	for i := range 60 {
		for _, subject := range []string{"rejected.wrong-secret.github.common." + fmt.Sprint(i%4), "rejected.large"} {
			if _, err := streams.JetStream().Publish(ctx, subject, make([]byte, 100_000)); err != nil {
				t.Fatal(err)
			}
		}
	}
	streams = server.Open(t, rejectionsOf(4<<20))
	keepFair(t, streams)
	for range 30 {
		known := refused("github", "body-too-large", "192.0.2.2", 100_000)
		known.Known = true
		streamtest.Must(t, streams.PublishRejection(ctx, known))
	}
	info, err = streams.JetStream().Stream(ctx, stream.Rejections)
	if config := info.CachedInfo().Config; err != nil || config.Discard != jetstream.DiscardNew || config.MaxMsgsPerSubject > 0 {
		t.Errorf("the stream is %+v: %v", config, err)
	}
}
