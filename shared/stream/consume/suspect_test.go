package consume_test

import (
	"context"
	"log/slog"
	"testing"

	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/consume"
	"sluice.internal/shared/streamtest"
)

// looks begins to look at a suspect and checks how many died of it before.
func looks(ctx context.Context, t *testing.T, suspect *consume.Suspect, want int) {
	t.Helper()
	if suspect == nil {
		t.Fatal("it is no suspect")
	}
	deaths, err := suspect.Begin(ctx)
	if err != nil || deaths != want {
		t.Errorf("%d deaths, error %v, want %d", deaths, err, want)
	}
}

func TestDeathsOfAnEventAreThoseWhoBeganAndSaidNoMore(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	streams, ctx := server.Open(t, streamtest.Lanes(1)), streamtest.Context(t)
	streamtest.PublishEvents(ctx, t, streams, 0, 1)
	handOut := func(from *streamtest.Streams) *consume.Delivery {
		lane, _ := open(ctx, t, from)
		d := next(ctx, t, lane)
		streamtest.Must(t, d.Retry(0))
		return d
	}
	for range 2 {
		if handOut(streams).Suspect() != nil {
			t.Error("an event is a suspect before it was handed out three times")
		}
	}
	alive := handOut(streams).Suspect()
	looks(ctx, t, alive, 0)
	looks(ctx, t, alive, 0) // It does not count itself.
	dead := handOut(server.Open(t)).Suspect()
	looks(ctx, t, dead, 1) // It can't know yet that the first one lives.
	third := handOut(server.Open(t)).Suspect()
	looks(ctx, t, third, 2)
	streamtest.Must(t, alive.End(ctx), alive.End(ctx), third.End(ctx))
	looks(ctx, t, handOut(server.Open(t)).Suspect(), 1)
}

// take begins with a shard as a worker of its own that ends without a word, or gives the shard up.
func take(ctx context.Context, t *testing.T, server *streamtest.Server, count int, giveUp bool) []consume.Received {
	t.Helper()
	conn := server.Connect(t)
	defer conn.Close()
	client, err := stream.Open(ctx, conn, streamtest.Configured(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	intake, err := consume.NewClient(client).Intake(ctx, 0)
	if err != nil {
		t.Fatal(err)
	}
	batch := streamtest.NextN(ctx, t, intake, count)
	if giveUp {
		streamtest.Must(t, intake.Close(ctx))
		return batch
	}
	opened, err := client.JetStream().Stream(ctx, stream.Notifications)
	if err == nil {
		err = opened.UnpinConsumer(ctx, "shard-0", "intake") // Or it would take seconds until the next one is chosen.
	}
	streamtest.Must(t, err)
	return batch
}

func TestNotificationsThatTwoWorkersEndedWithComeAlone(t *testing.T) {
	t.Parallel()
	for name, giveUp := range map[string]bool{"workers that are killed": false, "workers that are stopped": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := streamtest.Start(t)
			streams, ctx := server.Open(t, streamtest.Shards(1)), streamtest.Context(t)
			streamtest.Publish(ctx, t, streams, 0, 5)
			for range 5 {
				for _, received := range take(ctx, t, server, 5, giveUp)[:1] {
					t.Logf("notification %d, suspect: %t", received.Sequence, received.Suspect() != nil)
				}
			}
			streamtest.Publish(ctx, t, streams, 5, 3) // Nobody had these.
			intake, err := streams.Intake(ctx, 0)
			if err != nil {
				t.Fatal(err)
			}
			var suspects int
			for taken := 0; taken < 8; {
				batch, err := intake.Next(ctx)
				if err != nil {
					t.Fatal(err)
				}
				for i := range batch {
					if batch[i].Sequence != uint64(taken+1) {
						t.Errorf("notification %d came in place %d", batch[i].Sequence, taken+1)
					}
					taken++
					if batch[i].Suspect() == nil {
						continue
					}
					suspects++
					if len(batch) > 1 {
						t.Errorf("suspect %d is in a batch of %d", batch[i].Sequence, len(batch))
					}
					looks(ctx, t, batch[i].Suspect(), 0)
				}
				for i := range batch {
					streamtest.Must(t, batch[i].Ack())
				}
			}
			want := 5
			if giveUp {
				want = 0
			}
			if suspects != want {
				t.Errorf("%d suspects, want %d", suspects, want)
			}
			streamtest.Must(t, intake.Close(ctx))
		})
	}
}
