package stream_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"sluice.internal/shared/stream"
	"sluice.internal/shared/streamtest"
)

// A lease is one process's until it is given up, or until it ends because nobody made it last.
func TestLeaseIsHeldByOneProcessAtATime(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	ctx := streamtest.Context(t)
	streams := server.Open(t)
	first := streams.PollLease("green-api", "1", "first", time.Hour)
	second := streams.PollLease("green-api", "1", "second", time.Second)
	other := streams.PollLease("green-api", "2", "second", time.Hour)
	streamtest.Must(t, first.Hold(ctx), first.Hold(ctx), other.Hold(ctx))
	if err := second.Hold(ctx); !errors.Is(err, stream.ErrHeld) {
		t.Fatalf("a second holder: error %v", err)
	}
	streamtest.Must(t, first.Release(ctx))
	awaitLease(ctx, t, second)
	if err := first.Hold(ctx); err != nil && !errors.Is(err, stream.ErrHeld) {
		t.Fatal(err)
	}
	awaitLease(ctx, t, first) // As if the second was killed.
	if err := second.Hold(ctx); !errors.Is(err, stream.ErrHeld) {
		t.Errorf("who lost it: error %v", err)
	}
}

func awaitLease(ctx context.Context, t *testing.T, lease *stream.Lease) {
	t.Helper()
	streamtest.Eventually(ctx, t, "the lease is free", func() bool {
		err := lease.Hold(ctx)
		if err != nil && !errors.Is(err, stream.ErrHeld) {
			t.Fatal(err)
		}
		return err == nil
	})
}

func TestNewestStateOfEachPolledInstanceIsRead(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	ctx := streamtest.Context(t)
	streams := server.Open(t)
	if states, err := streams.PollStates(ctx); err != nil || len(states) != 0 {
		t.Errorf("states %+v, error %v", states, err)
	}
	waiting := 7
	for _, state := range []stream.PollState{
		{Source: "green-api", Instance: "2", State: stream.PollRefused, Error: "why"},
		{Source: "green-api", Instance: "1", State: stream.PollRefused},
		{Source: "green-api", Instance: "1", State: stream.PollReceiving, Waiting: &waiting, Holder: "me"},
	} {
		streamtest.Must(t, streams.PublishPollState(ctx, state))
	}
	states, err := streams.PollStates(ctx)
	if err != nil || len(states) != 2 {
		t.Fatalf("states %+v, error %v", states, err)
	}
	if one := states[0]; one.Instance != "1" || one.State != stream.PollReceiving || *one.Waiting != 7 || one.At.IsZero() {
		t.Errorf("first %+v", one)
	}
	if states[1].Error != "why" {
		t.Errorf("second %+v", states[1])
	}
}
