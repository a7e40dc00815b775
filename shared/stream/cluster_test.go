package stream_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/admin"
	"sluice.internal/shared/streamtest"
)

func TestLeaderThatStopsUnderLoadCostsNoNotification(t *testing.T) {
	t.Parallel()
	cluster := streamtest.StartCluster(t)
	streams := cluster.Open(t)
	var (
		mutex    sync.Mutex
		receipts = map[uint64]string{}
		group    sync.WaitGroup
	)
	for sender := range 16 {
		group.Go(func() {
			for id := range 60 {
				n := streamtest.Notification(id)
				n.RequestID = fmt.Sprintf("%d-%d", sender, id)
				ctx, cancel := context.WithTimeout(context.Background(), testTimeout)
				receipt, err := streams.PublishNotification(ctx, &n)
				cancel()
				if err != nil {
					t.Errorf("%s: %v", n.RequestID, err)
					return
				}
				mutex.Lock()
				if other, taken := receipts[receipt]; taken {
					t.Errorf("%s and %s have the receipt %d", other, n.RequestID, receipt)
				}
				receipts[receipt] = n.RequestID
				mutex.Unlock()
				if sender == 0 && id == 20 {
					stopped := cluster.StopLeader(t, stream.Notifications)
					stopped.Resume(t)
				}
			}
		})
	}
	group.Wait()
	cluster.AwaitCurrent(t)
	var stored map[string]int
	// A server that was away may serve a listing before it has all.
	streamtest.Eventually(streamtest.Context(t), t, "the listing to be complete", func() bool {
		stored = storedRequests(t, streams)
		return len(stored) >= len(receipts)
	})
	for receipt, id := range receipts {
		if stored[id] != 1 {
			t.Errorf("%s, receipt %d, is stored %d times", id, receipt, stored[id])
		}
	}
	if len(receipts) != 16*60 {
		t.Errorf("%d receipts, want %d", len(receipts), 16*60)
	}
}

func TestIntakeOfAClusterGoesOnWhenTheLeaderChanges(t *testing.T) {
	t.Parallel()
	cluster := streamtest.StartCluster(t)
	streams := cluster.Open(t, streamtest.Shards(2), streamtest.Lanes(2))
	ctx, cancel := context.WithTimeout(t.Context(), 3*testTimeout)
	defer cancel()
	streamtest.Publish(ctx, t, streams, 0, 100)
	streamtest.TakeIn(ctx, t, streams, 100)
	cluster.StopLeader(t, stream.Notifications).Resume(t)
	streamtest.Publish(ctx, t, streams, 100, 100)
	streamtest.TakeIn(ctx, t, streams, 100)
}

// storedRequests counts how often each request is stored.
func storedRequests(t *testing.T, streams *streamtest.Streams) map[string]int {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
	defer cancel()
	stored := map[string]int{}
	for n, err := range streams.Notifications(ctx, admin.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		stored[n.RequestID]++
	}
	return stored
}

func TestRestartUnderLoadIsRiddenOutOrToldAndNothingIsStoredTwice(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	streams := server.Open(t)
	var (
		mutex   sync.Mutex
		outcome = map[string]error{}
		group   sync.WaitGroup
	)
	for sender := range 32 {
		group.Go(func() {
			for id := range 40 {
				n := streamtest.Notification(id)
				n.RequestID = fmt.Sprintf("%d-%d", sender, id)
				// Some deadlines outlast the restart and some do not.
				ctx, cancel := context.WithTimeout(context.Background(), time.Duration(20+sender*100)*time.Millisecond)
				_, err := streams.PublishNotification(ctx, &n)
				cancel()
				mutex.Lock()
				outcome[n.RequestID] = err
				mutex.Unlock()
				if sender == 31 && id%15 == 5 {
					server.Restart(t)
				}
			}
		})
	}
	group.Wait()
	stored := storedRequests(t, streams)
	for id, err := range outcome {
		switch {
		case err == nil && stored[id] != 1:
			t.Errorf("%s succeeded and is stored %d times", id, stored[id])
		case stored[id] > 1:
			t.Errorf("%s is stored %d times", id, stored[id])
		case err != nil && stored[id] > 0 && !errors.Is(err, stream.ErrUnknown):
			t.Errorf("%s is stored although it failed for certain: %v", id, err)
		}
	}
}

func TestReadinessIsFoundOutByStoring(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	streams, ctx := server.Open(t), streamtest.Context(t)
	if err := streams.Ready(ctx); err != nil {
		t.Fatal(err)
	}
	server.Stop()
	for streams.Ready(ctx) == nil { // A moment ago it was.
		if ctx.Err() != nil {
			t.Fatal("ready without a server")
		}
	}
	server.Resume(t)
	for streams.Ready(ctx) != nil {
		if ctx.Err() != nil {
			t.Fatal("not ready although the server is back")
		}
	}
	if err := notificationsAre(ctx, streams, 0); err != nil {
		t.Error(err)
	}
}

func notificationsAre(ctx context.Context, streams *streamtest.Streams, want uint64) error {
	status, err := streams.Status(ctx)
	if err != nil {
		return err
	}
	for _, usage := range status.Streams {
		if usage.Name == stream.Notifications && usage.Messages != want {
			return fmt.Errorf("%d notifications, want %d", usage.Messages, want)
		}
	}
	return nil
}
