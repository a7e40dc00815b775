package stream_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"sluice.internal/shared/config"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/admin"
	"sluice.internal/shared/streamtest"
)

// outcome is what a caller was told.
type outcome struct {
	receipt uint64
	err     error
}

// publishTogether publishes that many notifications at the same time and returns what each caller was told, by
// request.
func publishTogether(ctx context.Context, streams *streamtest.Streams, count int) map[string]outcome {
	var (
		group sync.WaitGroup
		mutex sync.Mutex
		told  = map[string]outcome{}
	)
	for id := range count {
		group.Go(func() {
			n := streamtest.Notification(id)
			receipt, err := streams.PublishNotification(ctx, &n)
			mutex.Lock()
			defer mutex.Unlock()
			told[n.RequestID] = outcome{receipt, err}
		})
	}
	group.Wait()
	return told
}

// checkTold compares what the callers were told with what is stored: each receipt is the place of the caller's own
// notification, and what was refused is not there. It returns how many were refused.
func checkTold(ctx context.Context, t *testing.T, streams *streamtest.Streams, told map[string]outcome) (refused int) {
	t.Helper()
	accepted := 0
	for _, outcome := range told {
		if outcome.err == nil {
			accepted++
		}
	}
	var places map[string]uint64
	// In a cluster a server that was away may serve a listing before it has all.
	streamtest.Eventually(ctx, t, "all that was acknowledged to be listed", func() bool {
		places = placesOf(ctx, t, streams)
		return len(places) >= accepted
	})
	for id, outcome := range told {
		if outcome.receipt != places[id] {
			t.Errorf("%s: receipt %d, error %v, stored at %d", id, outcome.receipt, outcome.err, places[id])
		}
	}
	return len(told) - accepted
}

// placesOf is where the notification of each request is stored. None may be stored twice.
func placesOf(ctx context.Context, t *testing.T, streams *streamtest.Streams) map[string]uint64 {
	t.Helper()
	places := map[string]uint64{}
	for n, err := range streams.Notifications(ctx, admin.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		if before, twice := places[n.RequestID]; twice {
			t.Errorf("%s is stored at %d and at %d", n.RequestID, before, n.Sequence)
		}
		places[n.RequestID] = n.Sequence
	}
	return places
}

func TestBatchWithADuplicateGivesEveryCallerItsReceipt(t *testing.T) {
	t.Parallel()
	streams, ctx := streamtest.Start(t).Open(t), streamtest.Context(t)
	refusals := countRefusals(streams, nil)
	for _, id := range []int{7, 30} {
		streamtest.Publish(ctx, t, streams, id, 1) // Its sender comes again.
	}
	told := publishTogether(ctx, streams, 40)
	if refused := checkTold(ctx, t, streams, told); refused > 0 || told["request-7"].receipt != 1 || told["request-30"].receipt != 2 {
		t.Errorf("%d refused; the repeated ones have %+v and %+v", refused, told["request-7"], told["request-30"])
	}
	if refusals.Load() == 0 {
		t.Error("the server refused no batch")
	}
}

// countRefusals counts the batches that fail. Spoil stands in front of the server, where it is given.
func countRefusals(streams *streamtest.Streams, spoil func(stream.StoreBatch) stream.StoreBatch) *atomic.Int64 {
	var refusals atomic.Int64
	streams.Publisher().Batching(func(store stream.StoreBatch) stream.StoreBatch {
		if spoil != nil {
			store = spoil(store)
		}
		return func(ctx context.Context, messages []*nats.Msg) ([]*jetstream.PubAck, error) {
			acks, err := store(ctx, messages)
			if err != nil && len(messages) > 1 {
				refusals.Add(1)
			}
			return acks, err
		}
	})
	return &refusals
}

func TestBatchThatDoesNotFitStoresWhatFitsAndRefusesTheRest(t *testing.T) {
	t.Parallel()
	streams := streamtest.Start(t).Open(t, func(s *config.Streams) { s.Notifications.MaxBytes = 16 << 10 })
	ctx := streamtest.Context(t)
	refusals := countRefusals(streams, nil)
	told := publishTogether(ctx, streams, 100)
	refused := checkTold(ctx, t, streams, told)
	if refused == 0 || refused == 100 || refusals.Load() == 0 {
		t.Errorf("%d callers and %d batches were refused", refused, refusals.Load())
	}
	for id, outcome := range told {
		if outcome.err != nil && !errors.Is(outcome.err, stream.ErrFull) {
			t.Errorf("%s: error %v, want ErrFull", id, outcome.err)
		}
	}
}

func TestBatchThatIsStoredAfterItsTimeIsStoredOnce(t *testing.T) {
	t.Parallel()
	streams, ctx := streamtest.Start(t).Open(t), streamtest.Context(t)
	refusals := countRefusals(streams, func(store stream.StoreBatch) stream.StoreBatch {
		return func(ctx context.Context, messages []*nats.Msg) ([]*jetstream.PubAck, error) {
			_, err := store(ctx, copies(messages))
			return nil, errors.Join(err, context.DeadlineExceeded)
		}
	})
	if refused := checkTold(ctx, t, streams, publishTogether(ctx, streams, 40)); refused > 0 || refusals.Load() == 0 {
		t.Errorf("%d callers and %d batches were refused", refused, refusals.Load())
	}
}

// copies spares the messages the headers of a batch.
func copies(messages []*nats.Msg) []*nats.Msg {
	all := make([]*nats.Msg, len(messages))
	for i, message := range messages {
		all[i] = &nats.Msg{Subject: message.Subject, Header: maps.Clone(message.Header), Data: message.Data}
	}
	return all
}

// TestBatchWhoseLeaderChangesInTheMiddleIsStoredOnce stops the leader when it has the first half of a batch. The
// next leader gets the second half and the end.
func TestBatchWhoseLeaderChangesInTheMiddleIsStoredOnce(t *testing.T) {
	t.Parallel()
	cluster := streamtest.StartCluster(t)
	streams := cluster.Open(t)
	ctx, cancel := context.WithTimeout(t.Context(), 3*testTimeout)
	defer cancel()
	var once sync.Once
	refusals := countRefusals(streams, func(store stream.StoreBatch) stream.StoreBatch {
		return func(ctx context.Context, messages []*nats.Msg) ([]*jetstream.PubAck, error) {
			if len(messages) < 2 {
				return store(ctx, messages)
			}
			changed := false
			var err error
			once.Do(func() {
				changed = true
				err = tornBatch(ctx, streams, copies(messages), func() { cluster.StopLeader(t, stream.Notifications).Resume(t) })
			})
			if !changed {
				return store(ctx, messages)
			}
			return nil, err
		}
	})
	told := publishTogether(ctx, streams, 40)
	cluster.AwaitCurrent(t)
	if refused := checkTold(ctx, t, streams, told); refused > 0 || refusals.Load() == 0 {
		t.Errorf("%d callers and %d batches were refused", refused, refusals.Load())
	}
}

// tornBatch sends a batch and does something in the middle. The error is the server's or that it did not answer.
func tornBatch(ctx context.Context, streams *streamtest.Streams, messages []*nats.Msg, middle func()) error {
	conn, last := streams.JetStream().Conn(), len(messages)-1
	for i, message := range messages {
		message.Header.Set(jetstreamext.BatchIDHeader, "torn")
		message.Header.Set(jetstreamext.BatchSeqHeader, fmt.Sprint(i+1))
		if i == len(messages)/2 {
			if err := conn.Flush(); err != nil {
				return err
			}
			middle()
		}
		if i < last {
			_ = conn.PublishMsg(message) // The connection may be the leader's.
		}
	}
	messages[last].Header.Set(jetstreamext.BatchCommitHeader, "1")
	for ctx.Err() == nil {
		answer, err := conn.RequestMsgWithContext(ctx, messages[last])
		if errors.Is(err, nats.ErrReconnectBufExceeded) || errors.Is(err, nats.ErrNoResponders) {
			continue
		}
		if err != nil {
			return err
		}
		return fmt.Errorf("%w: %s", nats.ErrNoResponders, answer.Data)
	}
	return ctx.Err()
}
