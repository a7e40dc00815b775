package admin_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/admin"
	"sluice.internal/shared/streamtest"
)

func TestReadingFiltersLimitsAndFollows(t *testing.T) {
	t.Parallel()
	streams, ctx := streamtest.Start(t).Open(t), streamtest.Context(t)
	if got := streamtest.Collect(t, streams.Events(ctx, admin.Query{Limit: 3})); len(got) != 0 {
		t.Errorf("an empty stream has %d events", len(got))
	}
	var events []notification.Event
	for id := range 300 {
		event := streamtest.Event(streams, id)
		if id%100 == 0 {
			event.Type = "quotaExceeded"
		}
		events = append(events, event)
	}
	if _, err := streams.PublishEvents(ctx, events); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		query admin.Query
		want  []string
	}{
		"the newest two":          {admin.Query{Limit: 2}, []string{"key-298", "key-299"}},
		"the newest of a type":    {admin.Query{Type: "quotaExceeded", Limit: 2}, []string{"key-100", "key-200"}},
		"all of a type":           {admin.Query{Type: "quotaExceeded"}, []string{"key-0", "key-100", "key-200"}},
		"more than there are":     {admin.Query{Type: "quotaExceeded", Limit: 9}, []string{"key-0", "key-100", "key-200"}},
		"another source":          {admin.Query{Source: "other"}, nil},
		"a token that is lossy":   {admin.Query{Type: "quota.Exceeded"}, nil},
		"since a time to come":    {admin.Query{Since: time.Now().Add(time.Hour)}, nil},
		"since, limited":          {admin.Query{Since: time.Now().Add(time.Hour), Limit: 5}, nil},
		"since long ago, limited": {admin.Query{Since: time.Now().Add(-time.Hour), Limit: 1}, []string{"key-299"}},
	} {
		t.Run(name, func(t *testing.T) {
			var keys []string
			for _, event := range streamtest.Collect(t, streams.Events(streamtest.Context(t), test.query)) {
				keys = append(keys, event.Key)
			}
			if !slices.Equal(keys, test.want) {
				t.Errorf("got %v, want %v", keys, test.want)
			}
		})
	}
	followed := make(chan string, 5)
	following, cancel := context.WithCancel(ctx)
	var group sync.WaitGroup
	group.Go(func() {
		for event, err := range streams.Events(following, admin.Query{Limit: 1, Follow: true}) {
			if err != nil {
				t.Error(err)
			}
			followed <- event.Key
		}
	})
	streamtest.Expect(ctx, t, followed, "key-299")
	if _, err := streams.PublishEvents(ctx, []notification.Event{streamtest.Event(streams, 300)}); err != nil {
		t.Error(err)
	}
	streamtest.Expect(ctx, t, followed, "key-300")
	cancel()
	group.Wait()
}

func TestAttachingToAnEmptyServerSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	if _, err := admin.Attach(streamtest.Context(t), streamtest.Start(t).Connect(t)); !errors.Is(err, stream.ErrNoStreams) {
		t.Errorf("error %v, want ErrNoStreams", err)
	}
}
