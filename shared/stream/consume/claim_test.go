package consume_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/consume"
	"sluice.internal/shared/streamtest"
)

func TestOneIntakeOfAShardIsActiveAndTheNextBeginsWhereItEnded(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	streams, ctx := server.Open(t, streamtest.Shards(1)), streamtest.Context(t)
	streamtest.Publish(ctx, t, streams, 0, 10)
	active, err := streams.Intake(ctx, 0)
	if err != nil {
		t.Fatal(err)
	}
	got := streamtest.NextN(ctx, t, active, 10)
	for i := range 5 { // The first half is done, the second is not.
		if err := got[i].Ack(); err != nil {
			t.Fatal(err)
		}
	}
	waiting, err := server.Open(t).Intake(ctx, 0)
	if err != nil {
		t.Fatal(err)
	}
	streamtest.Publish(ctx, t, streams, 10, 5)
	short, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
	defer cancel()
	if batch, err := waiting.Next(short); err == nil {
		t.Fatalf("a second intake got %d notifications while the first is active", len(batch))
	}
	// The notifications 11 to 15 are on their way to the first intake, and come to the second none the less.
	if err := active.Close(ctx); err != nil {
		t.Fatal(err)
	}
	for i, received := range streamtest.NextN(ctx, t, waiting, 10) {
		if received.Sequence != uint64(6+i) {
			t.Errorf("place %d has notification %d, want %d", i, received.Sequence, 6+i)
		}
	}
	if err := waiting.Close(ctx); err != nil {
		t.Error(err)
	}
}

func TestShardOfAWorkerThatIsGoneIsTakenOverWithoutNewNotifications(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	streams, ctx := server.Open(t, streamtest.Shards(1)), streamtest.Context(t)
	streamtest.Publish(ctx, t, streams, 0, 3)
	conn := server.Connect(t)
	gone, err := stream.Open(ctx, conn, streamtest.Configured(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	first, err := consume.NewClient(gone).Intake(ctx, 0)
	if err != nil {
		t.Fatal(err)
	}
	streamtest.NextN(ctx, t, first, 3)
	conn.Close()
	second, err := streams.Intake(ctx, 0)
	if err != nil {
		t.Fatal(err)
	}
	for i, received := range streamtest.NextN(ctx, t, second, 3) {
		if received.Sequence != uint64(i+1) {
			t.Errorf("place %d has notification %d", i, received.Sequence)
		}
	}
}
