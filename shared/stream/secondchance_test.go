package stream_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/streamtest"
)

var diedAt = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)

// bury keeps an event as a dead letter of a group, or a notification as invalid where the group is empty.
func bury(ctx context.Context, t *testing.T, streams *stream.Streams, event notification.Event, group string) notification.DeadLetter {
	t.Helper()
	letter := notification.DeadLetter{
		Event: event, Reason: notification.ReasonExhausted, Error: "out of order", Group: group, DiedAt: diedAt,
	}
	if group == "" {
		letter.Reason = notification.ReasonInvalid
	}
	if err := streams.PublishDeadLetter(ctx, &letter); err != nil {
		t.Fatal(err)
	}
	letters := collect(t, streams.DeadLetters(ctx, stream.Query{}))
	return letters[len(letters)-1]
}

func TestRetriedEventKeepsItsLineageAndBeginsItsTriesAnew(t *testing.T) {
	t.Parallel()
	streams, ctx := streamtest.Start(t).Open(t, stream.Settings{}), testContext(t)
	if _, err := streams.Group(ctx, stream.GroupSettings{Name: "billing"}); err != nil {
		t.Fatal(err)
	}
	want := sampleEvent(streams, 1)
	want.Sequence, want.Attempt, want.Outdated, want.Observe = 17, 9, true, true
	want.Header = map[string]string{"X-Topic": "calls"}
	want.FirstFailedAt = diedAt.Add(-time.Hour)
	want.History = []notification.Try{{At: want.FirstFailedAt, Attempt: 9, Error: "no"}}
	if want.Lane == 0 {
		t.Fatal("choose an event of another lane: 0 is what is left when none is kept")
	}
	letter := bury(ctx, t, streams, want, "billing")
	if fmt.Sprintf("%+v", letter.Event) != fmt.Sprintf("%+v", want) {
		t.Errorf("the letter has\n%+v, want\n%+v", letter.Event, want)
	}
	if err := streams.RetryDeadLetter(ctx, &letter, "me@here"); err != nil {
		t.Fatal(err)
	}
	retries := collect(t, streams.Retries(ctx, stream.Query{Group: "billing"}))
	if len(retries) != 1 {
		t.Fatalf("%d handed to the group, want 1", len(retries))
	}
	want.Attempt, want.FirstFailedAt, want.Round = 0, time.Time{}, "dead/1"
	if fmt.Sprintf("%+v", retries[0].Event) != fmt.Sprintf("%+v", want) {
		t.Errorf("the group gets\n%+v, want\n%+v", retries[0].Event, want)
	}
	if _, err := streams.DeadLetter(ctx, 1); !errors.Is(err, stream.ErrNoDeadLetter) {
		t.Errorf("the letter is still there: %v", err)
	}
}

func TestRetriedNotificationIsWhatItWasAndSaysOfWhich(t *testing.T) {
	t.Parallel()
	streams, ctx := streamtest.Start(t).Open(t, stream.Settings{}), testContext(t)
	want := sample(1)
	want.Sequence, want.ContentEncoding, want.Observe = 17, "br", true
	want.Header = map[string]string{"X-Topic": "calls"}
	letter := notification.DeadLetter{
		Event:  streams.Accept(&want, notification.Identity{Type: want.Type, Instance: want.Instance}),
		Reason: notification.ReasonInvalid, DiedAt: diedAt, ContentEncoding: want.ContentEncoding,
	}
	if err := streams.PublishDeadLetter(ctx, &letter); err != nil {
		t.Fatal(err)
	}
	kept, err := streams.DeadLetter(ctx, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := streams.RetryDeadLetter(ctx, &kept, "me@here"); err != nil {
		t.Fatal(err)
	}
	got := takeIn(ctx, t, streams, 1)[0]
	want.Sequence, want.RetryOf = 1, 17
	if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestWhatIsDoneToADeadLetterIsRecordedBeforeItIsGone(t *testing.T) {
	t.Parallel()
	server, ctx := streamtest.Start(t), testContext(t)
	managing := server.Open(t, stream.Settings{})
	letter := bury(ctx, t, managing, sampleEvent(managing, 1), "")
	streams, err := stream.Attach(ctx, server.Connect(t)) // Which makes no streams anew.
	if err != nil {
		t.Fatal(err)
	}
	if err := streams.JetStream().DeleteStream(ctx, stream.Operations); err != nil {
		t.Fatal(err)
	}
	bounded, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
	defer cancel()
	for what, do := range map[string]func(context.Context, *notification.DeadLetter, string) error{
		"retried": streams.RetryDeadLetter, "dropped": streams.DropDeadLetter,
	} {
		if err := do(bounded, &letter, "me@here"); !errors.Is(err, stream.ErrUnavailable) {
			t.Errorf("%s without a record: %v", what, err)
		}
	}
	if _, err := streams.DeadLetter(ctx, 1); err != nil {
		t.Errorf("the letter is gone: %v", err)
	}
}

func TestReadingEndsWithWhatWasThereWhenItBegan(t *testing.T) {
	t.Parallel()
	streams, ctx := streamtest.Start(t).Open(t, stream.Settings{}), testContext(t)
	publishEvents(ctx, t, streams, 0, 3)
	count := 0
	for _, err := range streams.Events(ctx, stream.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		count++
		publishEvents(ctx, t, streams, 100*count, 2)
	}
	if count != 3 {
		t.Errorf("read %d events, want 3", count)
	}
}

func TestReadingBeginsWhereItIsSaid(t *testing.T) {
	t.Parallel()
	streams, ctx := streamtest.Start(t).Open(t, stream.Settings{}), testContext(t)
	publishEvents(ctx, t, streams, 0, 5)
	stored := collect(t, streams.Events(ctx, stream.Query{}))
	for name, test := range map[string]struct {
		query stream.Query
		want  string // sequences
	}{
		"from a sequence":            {stream.Query{From: 4}, "[4 5]"},
		"behind the last":            {stream.Query{From: 6}, "[]"},
		"the newest from a sequence": {stream.Query{From: 4, Limit: 9}, "[4 5]"},
		"until a time":               {stream.Query{Until: stored[2].StoredAt}, "[1 2 3]"},
		"the newest until a time":    {stream.Query{Until: stored[2].StoredAt, Limit: 2}, "[2 3]"},
		"since, until, from":         {stream.Query{Since: stored[0].StoredAt, Until: stored[3].StoredAt, From: 2}, "[2 3 4]"},
		"nothing new":                {stream.Query{New: true}, "[]"},
	} {
		sequences := []uint64{}
		for _, event := range collect(t, streams.Events(ctx, test.query)) {
			sequences = append(sequences, event.Sequence)
		}
		if fmt.Sprint(sequences) != test.want {
			t.Errorf("%s: %v, want %s", name, sequences, test.want)
		}
	}
}
