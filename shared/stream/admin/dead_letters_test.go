package admin_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/admin"
	"sluice.internal/shared/stream/consume"
	"sluice.internal/shared/streamtest"
)

var diedAt = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)

func TestRetriedEventKeepsItsLineageAndBeginsItsTriesAnew(t *testing.T) {
	t.Parallel()
	streams, ctx := streamtest.Start(t).Open(t), streamtest.Context(t)
	if _, err := streams.Group(ctx, consume.GroupSettings{Name: "billing"}); err != nil {
		t.Fatal(err)
	}
	want := streamtest.Event(streams, 1)
	want.Sequence, want.Attempt, want.Outdated, want.Quarantine = 17, 9, true, true
	want.Header = map[string]string{"X-Topic": "calls"}
	want.FirstFailedAt = diedAt.Add(-time.Hour)
	want.History = []notification.Try{{At: want.FirstFailedAt, Attempt: 9, Error: "no"}}
	if want.Lane == 0 {
		t.Fatal("choose an event of another lane: 0 is what is left when none is kept")
	}
	letter := streamtest.Bury(ctx, t, streams, want, "billing")
	if fmt.Sprintf("%+v", letter.Event) != fmt.Sprintf("%+v", want) {
		t.Errorf("the dead letter has\n%+v, want\n%+v", letter.Event, want)
	}
	if _, err := streams.RetryDeadLetter(ctx, &letter, "me@here"); err != nil {
		t.Fatal(err)
	}
	retries := streamtest.Collect(t, streams.Retries(ctx, admin.Query{Group: "billing"}))
	if len(retries) != 1 {
		t.Fatalf("%d handed to the group, want 1", len(retries))
	}
	want.Attempt, want.FirstFailedAt, want.Round = 0, time.Time{}, "dead/1"
	if fmt.Sprintf("%+v", retries[0].Event) != fmt.Sprintf("%+v", want) {
		t.Errorf("the group gets\n%+v, want\n%+v", retries[0].Event, want)
	}
	if _, err := streams.DeadLetter(ctx, 1); !errors.Is(err, admin.ErrNoDeadLetter) {
		t.Errorf("the dead letter is still there: %v", err)
	}
}

func TestRetriedNotificationIsWhatItWasAndSaysOfWhich(t *testing.T) {
	t.Parallel()
	streams, ctx := streamtest.Start(t).Open(t), streamtest.Context(t)
	want := streamtest.Notification(1)
	want.Sequence, want.ContentEncoding, want.Quarantine = 17, "br", true
	want.Header = map[string]string{"X-Topic": "calls"}
	letter := notification.DeadLetter{
		Event:  streamtest.NewEvent(streams, &want, notification.Identity{Type: want.Type, Instance: want.Instance}),
		Reason: notification.ReasonInvalid, DiedAt: diedAt, ContentEncoding: want.ContentEncoding,
	}
	if err := streams.PublishDeadLetter(ctx, &letter); err != nil {
		t.Fatal(err)
	}
	kept, err := streams.DeadLetter(ctx, 1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := streams.RetryDeadLetter(ctx, &kept, "me@here"); err != nil {
		t.Fatal(err)
	}
	got := streamtest.TakeIn(ctx, t, streams, 1)[0]
	want.Sequence, want.RetryOf = 1, 17
	if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestWhatIsDoneToADeadLetterIsRecordedBeforeItIsGone(t *testing.T) {
	t.Parallel()
	server, ctx := streamtest.Start(t), streamtest.Context(t)
	managing := server.Open(t)
	letter := streamtest.Bury(ctx, t, managing, streamtest.Event(managing, 1), "")
	streams, err := admin.Attach(ctx, server.Connect(t)) // Which makes no streams anew.
	if err != nil {
		t.Fatal(err)
	}
	if err := streams.JetStream().DeleteStream(ctx, stream.Operations); err != nil {
		t.Fatal(err)
	}
	bounded, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
	defer cancel()
	for what, do := range map[string]func(context.Context, *notification.DeadLetter, string) error{
		"retried": retryOnly(streams.RetryDeadLetter), "dropped": streams.DropDeadLetter,
	} {
		if err := do(bounded, &letter, "me@here"); !errors.Is(err, stream.ErrUnavailable) {
			t.Errorf("%s without a record: %v", what, err)
		}
	}
	if _, err := streams.DeadLetter(ctx, 1); err != nil {
		t.Errorf("the dead letter is gone: %v", err)
	}
}

func TestReadingEndsWithWhatWasThereWhenItBegan(t *testing.T) {
	t.Parallel()
	streams, ctx := streamtest.Start(t).Open(t), streamtest.Context(t)
	streamtest.PublishEvents(ctx, t, streams, 0, 3)
	count := 0
	for _, err := range streams.Events(ctx, admin.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		count++
		streamtest.PublishEvents(ctx, t, streams, 100*count, 2)
	}
	if count != 3 {
		t.Errorf("read %d events, want 3", count)
	}
}

func TestReadingBeginsWhereItIsSaid(t *testing.T) {
	t.Parallel()
	streams, ctx := streamtest.Start(t).Open(t), streamtest.Context(t)
	streamtest.PublishEvents(ctx, t, streams, 0, 5)
	stored := streamtest.Collect(t, streams.Events(ctx, admin.Query{}))
	for name, test := range map[string]struct {
		query admin.Query
		want  string // sequences
	}{
		"from a sequence":            {admin.Query{From: 4}, "[4 5]"},
		"behind the last":            {admin.Query{From: 6}, "[]"},
		"the newest from a sequence": {admin.Query{From: 4, Limit: 9}, "[4 5]"},
		"until a time":               {admin.Query{Until: stored[2].StoredAt}, "[1 2 3]"},
		"the newest until a time":    {admin.Query{Until: stored[2].StoredAt, Limit: 2}, "[2 3]"},
		"since, until, from":         {admin.Query{Since: stored[0].StoredAt, Until: stored[3].StoredAt, From: 2}, "[2 3 4]"},
		"nothing new":                {admin.Query{New: true}, "[]"},
	} {
		sequences := []uint64{}
		for _, event := range streamtest.Collect(t, streams.Events(ctx, test.query)) {
			sequences = append(sequences, event.Sequence)
		}
		if fmt.Sprint(sequences) != test.want {
			t.Errorf("%s: %v, want %s", name, sequences, test.want)
		}
	}
}

// retryOnly leaves the receipt out.
func retryOnly(
	retry func(context.Context, *notification.DeadLetter, string) (uint64, error),
) func(context.Context, *notification.DeadLetter, string) error {
	return func(ctx context.Context, letter *notification.DeadLetter, by string) error {
		_, err := retry(ctx, letter, by)
		return err
	}
}
