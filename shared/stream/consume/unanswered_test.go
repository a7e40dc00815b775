package consume_test

import (
	"log/slog"
	"testing"

	"sluice.internal/shared/stream"
	"sluice.internal/shared/streamtest"
)

// An answer that does not come holds nobody up for as long as its context lasts.
func TestIntakeIsOpenedAlthoughARequestGoesUnanswered(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	streams := server.Open(t, streamtest.Shards(1))
	ctx := streamtest.Context(t)
	streamtest.Publish(ctx, t, streams, 0, 1)
	log := slog.New(slog.DiscardHandler)
	address, lose, lost := streamtest.LossyLine(t, server.URL())
	conn, err := stream.Connect(streamtest.At(t, address), t.Name(), log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	attached, err := stream.Attach(ctx, conn)
	if err != nil {
		t.Fatal(err)
	}
	lose("$JS.API.STREAM.INFO." + stream.Events)
	intake, err := streamtest.All(attached).Intake(ctx, 0)
	if err != nil {
		t.Fatal(err)
	}
	if batch, err := intake.Next(ctx); err != nil || len(batch) != 1 {
		t.Errorf("%d notifications, error %v", len(batch), err)
	}
	if !lost() {
		t.Error("every request was answered, so the test shows nothing")
	}
}
