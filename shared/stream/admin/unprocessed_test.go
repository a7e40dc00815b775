package admin_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"sluice.internal/shared/stream/admin"
	"sluice.internal/shared/stream/consume"
	"sluice.internal/shared/streamtest"
)

func TestUnprocessedComesOldestFirstForEachWhoHasToProcessIt(t *testing.T) {
	t.Parallel()
	ctx := streamtest.Context(t)
	streams, events := opened(t, streamtest.Configured(streamtest.Lanes(2), streamtest.Shards(2)), 3, "a", "b")
	streamtest.Publish(ctx, t, streams, 0, 2)
	if err := streams.Park(ctx, "a", &events[1], time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if err := streams.Redeliver(ctx, "b", events[0], "replay/1"); err != nil {
		t.Fatal(err)
	}
	want := []string{"event 1 a", "event 1 b", "event 2 a", "event 2 b", "event 3 a", "event 3 b", "notification 1", "notification 2", "parked 2 a", "due 1 b"}
	for _, limit := range []int{4, len(want), 100} {
		found, err := streams.Unprocessed(ctx, limit)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, u := range found {
			got = append(got, named(u))
		}
		// What was stored at the same time is in any order.
		for i := 0; i+1 < min(len(got), 6); i += 2 {
			slices.Sort(got[i : i+2])
		}
		if expected := want[:min(limit, len(want))]; !slices.Equal(got, expected) {
			t.Errorf("limit %d: got %q\nwant %q", limit, got, expected)
		}
	}
}

func named(u admin.Unprocessed) string {
	switch {
	case u.Notification != nil:
		return fmt.Sprintf("notification %d", u.Notification.Sequence)
	case u.Retry != nil && u.Retry.DueAt.IsZero():
		return fmt.Sprintf("due %d %s", u.Retry.Sequence, u.Group)
	case u.Retry != nil:
		return fmt.Sprintf("parked %d %s", u.Retry.Sequence, u.Group)
	default:
		return fmt.Sprintf("event %d %s", u.Event.Sequence, u.Group)
	}
}

func TestWhatIsUnderWayIsListedOnceAndWhatIsDoneIsNot(t *testing.T) {
	t.Parallel()
	ctx := streamtest.Context(t)
	streams, _ := opened(t, streamtest.Configured(streamtest.Lanes(1)), 4)
	group, err := streams.Group(ctx, consume.GroupSettings{Name: "a"})
	if err != nil {
		t.Fatal(err)
	}
	busy, release := make(chan struct{}), make(chan struct{})
	stop := streamtest.Serve(group.Partitions[0], func(d *consume.Delivery) {
		if d.Sequence == 2 {
			close(busy)
			<-release
		}
		_ = d.Done()
	})
	defer stop()
	defer close(release)
	<-busy
	found, err := streams.Unprocessed(ctx, 10)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, u := range found {
		got = append(got, fmt.Sprintf("%d %t", u.Event.Sequence, u.UnderWay))
	}
	if want := []string{"2 true", "3 false", "4 false"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
