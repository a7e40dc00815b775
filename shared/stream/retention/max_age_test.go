package retention_test

import (
	"testing"
	"time"

	"sluice.internal/shared/config"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/consume"
	"sluice.internal/shared/streamtest"
)

// What nobody processes goes at its age too, and whoever comes then goes on with what is new, also after a restart.
func TestNothingStaysBeyondItsGreatestAgeAndWorkersGoOn(t *testing.T) {
	t.Parallel()
	ctx := streamtest.Context(t)
	server := streamtest.Start(t)
	streams := server.Open(t, streamtest.Shards(1), streamtest.Lanes(1), func(s *config.Streams) {
		s.Notifications.MaxAge, s.Events.MaxAge, s.Events.DuplicateWindow = time.Second, time.Second, time.Second
	})
	group, err := streams.Group(ctx, consume.GroupSettings{Name: "billing"})
	streamtest.Must(t, err)
	streamtest.Publish(ctx, t, streams, 0, 3)
	streamtest.PublishEvents(ctx, t, streams, 0, 3)
	parked := streamtest.Event(streams, 1)
	streamtest.Must(t, streams.Park(ctx, "billing", &parked, time.Now().Add(time.Hour)))
	for _, name := range []string{stream.Notifications, stream.Events, stream.Retries} {
		opened, err := streams.JetStream().Stream(ctx, name)
		streamtest.Must(t, err)
		streamtest.Eventually(ctx, t, name+" to be empty", func() bool {
			info, err := opened.Info(ctx)
			return err == nil && info.State.Msgs == 0
		})
	}
	server.Restart(t)
	for _, name := range []string{stream.Notifications, stream.Events} {
		streamtest.Eventually(ctx, t, name+" to be back", func() bool {
			opened, err := streams.JetStream().Stream(ctx, name)
			return err == nil && opened.CachedInfo().State.LastSeq == 3 // Sequences do not begin anew.
		})
	}
	taken := make(chan uint64, 10)
	stop := streamtest.Serve(group.Partitions[0], func(d *consume.Delivery) {
		taken <- d.Sequence
		_ = d.Done()
	})
	defer stop()
	streamtest.PublishEvents(ctx, t, streams, 3, 1)
	select {
	case sequence := <-taken:
		if sequence != 4 {
			t.Errorf("event %d came, want 4", sequence)
		}
	case <-ctx.Done():
		t.Error("no event comes any more")
	}
	streamtest.Publish(ctx, t, streams, 3, 1)
	streamtest.TakeIn(ctx, t, streams, 1)
}
