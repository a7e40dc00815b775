package find_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
	"sluice.internal/sluice/find"
)

const anna = "79001234567@c.us"

func TestStoryIsToldInOrderWhateverItIsAskedBy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.takeIn(w.arrive(fmt.Sprintf(message, "BAE0000000000001", "79007654321@c.us"), "request-other"))
	first := w.arrive(fmt.Sprintf(message, "BAE0000000000002", anna), "request-first")
	e := w.takeIn(first)
	w.arrive(fmt.Sprintf(message, "BAE0000000000002", anna), "request-second")
	w.intake = 3
	w.groups["crm"], w.groups["mail"] = 2, 2
	w.retries = []notification.Retry{{Event: w.failed(e), Group: "crm", DueAt: w.now.Add(time.Hour), RetrySequence: 1}}
	want := []string{find.StepArrived, find.StepBecame, find.StepArrived, find.StepFolded, "failed crm", "parked crm", "handled mail"}
	for _, text := range []string{
		"BAE0000000000002", "2", "3", "request-first", "request-second", e.Key, e.Key[:8], anna, "79001234567",
		"+7 900 123-45-67", "79001234567@s.whatsapp.net", "79001234567:12@c.us", " BAE0000000000002 ",
	} {
		story := w.story(text)
		if got := steps(story); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
		if story.Key != e.Key || story.Source != "green-api" || story.Instance != "1101000001" || story.OrderKey != anna {
			t.Errorf("%q: %+v", text, story)
		}
	}
}

func TestDeadLetterTellsItsTriesAndWhatPeopleDidToIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.takeIn(w.arrive(fmt.Sprintf(message, "BAE1", anna), "request-1"))
	w.groups["crm"] = 1
	tried := w.failed(e)
	letter := notification.DeadLetter{Event: tried, Reason: notification.ReasonExhausted, Error: "the bank is away", Group: "crm", DiedAt: w.tick(), DeadSequence: 5}
	w.letters = []notification.DeadLetter{letter}
	if got, want := steps(w.story("BAE1")), []string{find.StepArrived, find.StepBecame, "failed crm", "dead-letter crm"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	operation := notification.Operation{
		What: notification.OperationRetryDeadLetter, At: w.tick(), By: "me@here", Group: "crm", Key: e.Key, DeadSequence: 5, EventSequence: 1, NotificationSequence: 1,
	}
	w.letters, w.operations = nil, []notification.Operation{operation}
	if got, want := steps(w.story("BAE1")), []string{find.StepArrived, find.StepBecame, "operation crm", "handled crm"}; !slices.Equal(got, want) {
		t.Errorf("sent through again: %q, want %q", got, want)
	}
	operation.What, operation.At = notification.OperationDropDeadLetter, w.tick()
	w.operations = append(w.operations, operation)
	story := w.story("BAE1")
	if got, want := steps(story), []string{find.StepArrived, find.StepBecame, "operation crm", "dropped crm"}; !slices.Equal(got, want) {
		t.Errorf("given up: %q, want %q", got, want)
	}
	if last := story.Steps[len(story.Steps)-1]; !strings.Contains(last.Text, "dead letter 5 was given up by me@here") {
		t.Errorf("%q", last.Text)
	}
}

func TestNotificationWithoutAnEventTellsWhy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.arrive(fmt.Sprintf(message, "BAE1", anna), "request-gone")
	broken := w.arrive(`no document of 79001234567`, "request-broken")
	w.intake = broken.Sequence
	w.letters = []notification.DeadLetter{{
		Event:  notification.Event{Origin: broken.Origin, NotificationSequence: broken.Sequence},
		Reason: notification.ReasonInvalid, Error: "is no JSON", DiedAt: w.tick(), DeadSequence: 1,
	}}
	w.arrive(fmt.Sprintf(message, "BAE3", anna), "request-waiting")
	for request, want := range map[string][]string{
		"request-gone":    {find.StepArrived, find.StepUnknown},
		"request-broken":  {find.StepArrived, find.StepDeadLetter},
		"request-waiting": {find.StepArrived, find.StepWaiting},
	} {
		if got := steps(w.story(request)); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", request, got, want)
		}
	}
	if answer := w.look("79001234567"); len(answer.Stories) != 3 {
		t.Errorf("the number has %d stories", len(answer.Stories))
	}
}

func TestRefusedRequestIsFoundByItsIdItsBodyAndItsHeader(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.rejections = []notification.Rejection{{
		Cause: "wrong-token", Detail: "the token is that of no source", Source: "green-api", Method: "POST", Path: "/green-api/webhook",
		RemoteAddress: "192.0.2.9", RequestID: "request-refused", ReceivedAt: w.tick(), Sequence: 4,
		Header: map[string][]string{"X-Delivery": {"delivery-17"}}, Body: []byte(fmt.Sprintf(message, "BAE9", anna)),
	}}
	for _, text := range []string{"request-refused", "BAE9", "delivery-17", "+79001234567"} {
		story := w.story(text)
		if got := steps(story); !slices.Equal(got, []string{find.StepRefused}) || story.Steps[0].RejectionSequence != 4 ||
			!strings.Contains(story.Steps[0].Text, "wrong-token: the token is that of no source") {
			t.Errorf("%q: %+v", text, story)
		}
	}
	if answer := w.look("BAE"); len(answer.Stories) != 0 {
		t.Errorf("a part of an id finds %+v", answer.Stories)
	}
}

func TestNewestAreToldWhereThereAreManyAndItSaysSo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range 50 {
		w.takeIn(w.arrive(fmt.Sprintf(message, fmt.Sprintf("BAE%d", i), anna), fmt.Sprintf("request-%d", i)))
	}
	answer := w.look(anna)
	if len(answer.Stories) != 10 || !answer.Limited {
		t.Fatalf("%d stories, limited %t", len(answer.Stories), answer.Limited)
	}
	for i, story := range answer.Stories {
		if first := story.Steps[0]; first.NotificationSequence != uint64(41+i) {
			t.Errorf("place %d has notification %d", i, first.NotificationSequence)
		}
	}
	all := w.look(anna, func(s *find.Settings) { s.Limit = 50 })
	if len(all.Stories) != 50 || all.Limited {
		t.Errorf("%d stories, limited %t", len(all.Stories), all.Limited)
	}
}

func TestLookEndsWithItsTimeAndSaysHowFarItCame(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.takeIn(w.arrive(fmt.Sprintf(message, "BAE1", anna), "request-1"))
	complete := func(answer *find.Answer) (all []string) {
		for _, looked := range answer.Looked {
			if looked.Complete {
				all = append(all, looked.Stream)
			}
		}
		return all
	}
	if got := complete(w.look("BAE1")); len(got) != 6 {
		t.Errorf("looked at all of %q", got)
	}
	answer := w.look("BAE1", func(s *find.Settings) { s.Time = time.Nanosecond })
	if got := complete(answer); len(got) != 0 || len(answer.Stories) != 0 {
		t.Errorf("without time: all of %q, stories %+v", got, answer.Stories)
	}
	for _, looked := range answer.Looked {
		if looked.Stream == stream.Events && (looked.Messages != 0 || !looked.Back.IsZero()) {
			t.Errorf("without time: %+v", looked)
		}
	}
	since := w.look("BAE1", func(s *find.Settings) { s.Since = w.now.Add(time.Second) })
	if got := complete(since); len(got) != 6 || len(since.Stories) != 0 {
		t.Errorf("since later: all of %q, stories %+v", got, since.Stories)
	}
	ctx, cancel := context.WithCancel(t.Context())
	w.slow = cancel
	if _, err := find.Run(ctx, w, "BAE1", find.Settings{Interpret: all, Limit: 1, Time: time.Hour}); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: error %v", err)
	}
	if _, err := find.Run(t.Context(), w, " ", find.Settings{}); err == nil {
		t.Error("nothing is looked for")
	}
}

// More than one span is read backwards, each message once.
func TestLongStreamIsReadToItsBeginning(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	old := w.takeIn(w.arrive(fmt.Sprintf(message, "BAEOLD", anna), "request-old"))
	for len(w.notifications) < 25_000 {
		n := w.notifications[0]
		n.Sequence, n.RequestID, n.Body = uint64(len(w.notifications)+1), "x", nil
		w.notifications = append(w.notifications, n)
	}
	answer := w.look("BAEOLD")
	if len(answer.Stories) != 1 || answer.Stories[0].Key != old.Key {
		t.Errorf("found %+v", answer.Stories)
	}
	for _, looked := range answer.Looked {
		if looked.Stream == stream.Notifications && (looked.Messages != 25_000 || !looked.Complete) {
			t.Errorf("%+v", looked)
		}
	}
}
