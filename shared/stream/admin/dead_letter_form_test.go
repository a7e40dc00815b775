package admin_test

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream/admin"
	"sluice.internal/shared/streamtest"
)

func TestDeadLetterComesOutAsItWentInAndOnce(t *testing.T) {
	t.Parallel()
	streams, ctx := streamtest.Start(t).Open(t), streamtest.Context(t)
	letter := notification.DeadLetter{
		Event: streamtest.Event(streams, 1), Reason: notification.ReasonInvalid,
		Error:  "2 faults\r\nInjected: header",
		DiedAt: time.Date(2026, 11, 23, 8, 0, 0, 5, time.UTC),
	}
	letter.Faults = []notification.Fault{{Pointer: "/from", Message: "is missing"}, {Pointer: "/ä", Message: "“x”"}}
	for range 2 {
		if err := streams.PublishDeadLetter(ctx, &letter); err != nil {
			t.Fatal(err)
		}
	}
	letters := streamtest.Collect(t, streams.DeadLetters(ctx, admin.Query{}))
	if len(letters) != 1 {
		t.Fatalf("%d dead letters, want 1", len(letters))
	}
	got := letters[0]
	if got.Error != "2 faults  Injected: header" {
		t.Errorf("error %q: a line break must not make a header", got.Error)
	}
	if !slices.Equal(got.Faults, letter.Faults) || got.Key != letter.Key || !got.DiedAt.Equal(letter.DiedAt) ||
		!bytes.Equal(got.Body, letter.Body) || got.NotificationSequence != 2 || got.DeadSequence != 1 {
		t.Errorf("got %+v", got)
	}
}

func TestFaultsBeyondMeasureAreCutAndCounted(t *testing.T) {
	t.Parallel()
	streams, ctx := streamtest.Start(t).Open(t), streamtest.Context(t)
	letter := notification.DeadLetter{Event: streamtest.Event(streams, 1), Reason: notification.ReasonInvalid}
	for i := range 100_000 {
		letter.Faults = append(letter.Faults, notification.Fault{Pointer: fmt.Sprintf("/%d", i), Message: "is missing"})
	}
	if err := streams.PublishDeadLetter(ctx, &letter); err != nil {
		t.Fatal(err)
	}
	faults := streamtest.Collect(t, streams.DeadLetters(ctx, admin.Query{}))[0].Faults
	last := faults[len(faults)-1].Message
	if want := fmt.Sprintf("and %d more faults", 100_001-len(faults)); last != want {
		t.Errorf("the last of %d faults is %q, want %q", len(faults), last, want)
	}
}
