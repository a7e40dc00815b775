package consume_test

import (
	"bytes"
	"errors"
	"log/slog"
	"testing"

	"github.com/nats-io/nats.go"

	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/consume"
	"sluice.internal/shared/streamtest"
)

// On several replicas the server says that a request has ended before its last messages have come. They are waited for
// all the same, and a batch has no more bytes than a worker has memory for, however many large bodies come at once.
func TestBatchIsBoundedInBytesOnReplicasAndMissesNothing(t *testing.T) {
	t.Parallel()
	cluster := streamtest.StartCluster(t)
	streams, ctx := cluster.Open(t, streamtest.Shards(1)), streamtest.Context(t)
	const count, large = 40, 1 << 20
	bound := int(2 * streams.JetStream().Conn().MaxPayload())
	for id := range count {
		n := streamtest.Notification(id)
		if id%2 == 1 {
			n.Body = bytes.Repeat([]byte{byte(id)}, large)
		}
		if _, err := streams.PublishNotification(ctx, &n); err != nil {
			t.Fatal(err)
		}
	}
	var log bytes.Buffer
	conn, err := stream.Connect(streamtest.At(t, cluster.URL()), "puller", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	configured := streamtest.Configured(streamtest.Unmanaged)
	client, err := stream.Open(ctx, conn, configured, slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	if err != nil {
		t.Fatal(err)
	}
	intake, err := consume.NewClient(client).Intake(ctx, 0)
	if err != nil {
		t.Fatal(err)
	}
	for taken := 0; taken < count; {
		batch, err := intake.Next(ctx)
		if errors.Is(err, nats.ErrNoResponders) { // The consumer has no leader yet.
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		size := 0
		for i := range batch {
			if taken++; batch[i].Sequence != uint64(taken) {
				t.Errorf("notification %d came in place %d", batch[i].Sequence, taken)
			}
			size += len(batch[i].Body)
			streamtest.Must(t, batch[i].Ack())
		}
		if size > bound {
			t.Errorf("a batch of %d has %d bytes, at most %d are asked for", len(batch), size, bound)
		}
	}
	if bytes.Contains(log.Bytes(), []byte("were missed")) {
		t.Errorf("messages that came late were taken for missed:\n%s", &log)
	}
	streamtest.Must(t, intake.Close(ctx))
}
