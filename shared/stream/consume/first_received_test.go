package consume_test

import (
	"testing"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/admin"
	"sluice.internal/shared/streamtest"
)

// A server alone checks a message in another order than the leader of several replicas.
func TestTimeOfTheFirstEventWithAKeyIsFoundAndNothingIsWritten(t *testing.T) {
	t.Parallel()
	t.Run("on one server", func(t *testing.T) {
		t.Parallel()
		streams := streamtest.Start(t).Open(t)
		checkFirstReceived(t, streams)
	})
	t.Run("on three replicas", func(t *testing.T) {
		t.Parallel()
		checkFirstReceived(t, streamtest.StartCluster(t).Open(t))
	})
	t.Run("where an operator allows rollups", func(t *testing.T) {
		t.Parallel()
		streams := streamtest.Start(t).Open(t)
		events, err := streams.JetStream().Stream(t.Context(), stream.Events)
		streamtest.Must(t, err)
		changed := events.CachedInfo().Config
		changed.AllowRollup, changed.DenyPurge = true, false
		_, err = streams.JetStream().UpdateStream(t.Context(), changed)
		streamtest.Must(t, err)
		checkFirstReceived(t, streams)
	})
}

func checkFirstReceived(t *testing.T, streams *streamtest.Streams) {
	t.Helper()
	ctx := streamtest.Context(t)
	first, later := streamtest.Event(streams, 1), streamtest.Event(streams, 2)
	later.Key = first.Key
	for _, event := range []notification.Event{first, later} {
		_, err := streams.PublishEvents(ctx, []notification.Event{event})
		streamtest.Must(t, err)
	}
	for range 2 { // The first question must not become the answer to the second.
		at, found, err := streams.FirstReceivedAt(ctx, &later, first.Key)
		if err != nil || !found || !at.Equal(first.ReceivedAt) {
			t.Errorf("found: %t, received at %s, error %v, want %s", found, at, err, first.ReceivedAt)
		}
		if _, found, err := streams.FirstReceivedAt(ctx, &later, "unknown"); found || err != nil {
			t.Errorf("an unknown key is found: %t, error %v", found, err)
		}
	}
	if stored := streamtest.Collect(t, streams.Events(ctx, admin.Query{})); len(stored) != 1 {
		t.Errorf("%d events are stored, want 1", len(stored))
	}
}
