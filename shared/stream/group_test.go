package stream_test

import (
	"context"
	"testing"
	"time"

	"sluice.internal/shared/stream"
	"sluice.internal/shared/streamtest"
)

// isStale asks whether a delivery went to somebody else. It waits for a server that is away.
func isStale(ctx context.Context, t *testing.T, d *stream.Delivery) (stale bool) {
	t.Helper()
	eventually(ctx, t, "an answer about the event", func() bool {
		bounded, cancel := context.WithTimeout(ctx, 2*time.Second)
		defer cancel()
		var err error
		stale, err = d.Stale(bounded)
		return err == nil
	})
	return stale
}

func TestDeliveryIsStaleOnceSomebodyElseHasHadTheEvent(t *testing.T) {
	t.Parallel()
	server, ctx := streamtest.Start(t), testContext(t)
	streams := server.Open(t, stream.Settings{Lanes: 1})
	publishEvents(ctx, t, streams, 0, 3)
	mine, _ := open(ctx, t, streams)
	other, _ := open(ctx, t, server.Open(t, stream.Settings{}))

	first := next(ctx, t, mine)
	if isStale(ctx, t, first) {
		t.Error("stale in the hands of the only one who has it")
	}
	must(t, first.KeepAlive(), first.KeepAlive())
	if isStale(ctx, t, first) {
		t.Error("stale after a sign of life")
	}
	must(t, first.Retry(0)) // As when the time for a sign of life is over.
	again := next(ctx, t, other)
	if again.Sequence != first.Sequence || !isStale(ctx, t, first) || isStale(ctx, t, again) {
		t.Errorf("event %d came again as %d: stale %t and %t, want true and false",
			first.Sequence, again.Sequence, isStale(ctx, t, first), isStale(ctx, t, again))
	}
	must(t, again.Done())
	eventually(ctx, t, "the end of what another one has handled to be seen", func() bool {
		return isStale(ctx, t, first) && isStale(ctx, t, again)
	})
	second := next(ctx, t, other)
	if !isStale(ctx, t, first) || !isStale(ctx, t, again) || isStale(ctx, t, second) {
		t.Error("the next event makes one before it valid again, or is stale itself")
	}
	if _, err := streams.JetStream().ResetConsumer(ctx, stream.Events, "a-0"); err != nil {
		t.Fatal(err)
	}
	third := next(ctx, t, other)
	if third.Sequence != second.Sequence || !isStale(ctx, t, second) || isStale(ctx, t, third) {
		t.Errorf("after a reset event %d came as %d: stale %t and %t, want true and false",
			second.Sequence, third.Sequence, isStale(ctx, t, second), isStale(ctx, t, third))
	}
}

func TestDeliveryThatNobodyElseAskedForIsNotStaleHoweverLate(t *testing.T) {
	t.Parallel()
	streams, ctx := streamtest.Start(t).Open(t, stream.Settings{Lanes: 1}), testContext(t)
	publishEvents(ctx, t, streams, 0, 2)
	lane, _ := open(ctx, t, streams)
	d := next(ctx, t, lane)
	time.Sleep(9 * time.Second) // The time after which the server hands it to whoever asks.
	if isStale(ctx, t, d) {
		t.Error("stale though nobody else asked for it")
	}
	must(t, d.Done())
	eventually(ctx, t, "the verdict to be heard", func() bool { return isStale(ctx, t, d) })
	if second := next(ctx, t, lane); second.Sequence != 2 {
		t.Errorf("event %d comes after the first, want 2: a late verdict counts", second.Sequence)
	}
}

func TestDueEventIsStaleOnceSomebodyElseHasHadIt(t *testing.T) {
	t.Parallel()
	server, ctx := streamtest.Start(t), testContext(t)
	streams := server.Open(t, stream.Settings{Lanes: 1})
	must(t, streams.HandAgain(ctx, "a", sampleEvent(streams, 0), "replay/1"))
	_, mine := open(ctx, t, streams)
	_, other := open(ctx, t, server.Open(t, stream.Settings{}))
	first := next(ctx, t, mine)
	if isStale(ctx, t, first) {
		t.Error("stale in the hands of the only one who has it")
	}
	must(t, first.Retry(0))
	again := next(ctx, t, other)
	if !isStale(ctx, t, first) || isStale(ctx, t, again) {
		t.Error("it is not known who has the event")
	}
	must(t, again.Done())
	eventually(ctx, t, "the event to be gone", func() bool { return isStale(ctx, t, again) })
}

func TestWhetherADeliveryIsStaleIsKnownAfterARestartOfTheBroker(t *testing.T) {
	t.Parallel()
	server, ctx := streamtest.Start(t), testContext(t)
	streams := server.Open(t, stream.Settings{Lanes: 1})
	publishEvents(ctx, t, streams, 0, 2)
	mine, _ := open(ctx, t, streams)
	other, _ := open(ctx, t, server.Open(t, stream.Settings{}))
	first := next(ctx, t, mine)
	must(t, first.Retry(0))
	again := next(ctx, t, other)
	server.Restart(t)
	if !isStale(ctx, t, first) || isStale(ctx, t, again) {
		t.Errorf("stale %t and %t, want true and false", isStale(ctx, t, first), isStale(ctx, t, again))
	}
}
