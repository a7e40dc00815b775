package cli_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream/admin"
	"sluice.internal/shared/stream/consume"
	"sluice.internal/shared/streamtest"
)

func TestDeadEventIsHandledWithTheSameKeyOnceItsHandlerIsMended(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	streams := server.Open(t, streamtest.Lanes(8))
	var mended atomic.Bool
	handled := make(chan notification.Event, 9)
	working(t, server, func(event notification.Event) error {
		if !mended.Load() {
			return errors.New("the CRM is down")
		}
		handled <- event
		return nil
	})
	if err := notifyIn(t, streams, 1, aCall(7, "A"), true); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a dead letter", func() bool { return len(deadLettersIn(t, streams)) == 1 })

	retry := []string{"dead", "retry", "--all", "--nats", server.URL()}
	run(t, append(retry, "--dry-run")...).want(t, result{stdout: "would be sent through again: 1 dead letter: 1 incomingCall\n"})
	run(t, retry...).want(t, result{stdout: "sent through again: 1 dead letter: 1 incomingCall\n"})
	eventually(t, "the retried one dead again", func() bool {
		letters := deadLettersIn(t, streams)
		return len(letters) == 1 && letters[0].DeadSequence == 2
	})
	again := deadLettersIn(t, streams)[0]
	if again.Round != "dead/1" || again.Attempt != 1 || len(again.History) != 2 {
		t.Errorf("the second dead letter has round %q, attempt %d, history %+v", again.Round, again.Attempt, again.History)
	}

	mended.Store(true)
	run(t, "dead", "retry", "2", "--nats", server.URL()).want(t, result{stdout: "sent through again: 1 dead letter: 1 incomingCall\n"})
	event := <-handled
	stored := all(t, streams.Events(testContext(t), admin.Query{}))[0]
	if len(event.History) != 2 {
		t.Errorf("history %+v", event.History)
	}
	// All else is as it was the first time.
	event.History = nil
	stored.Round, stored.Attempt, stored.StoredAt = "dead/2", 1, time.Time{}
	if got, want := fmt.Sprintf("%+v", event), fmt.Sprintf("%+v", stored); got != want {
		t.Errorf("handled %s, want %s", got, want)
	}
	if letters := deadLettersIn(t, streams); len(letters) != 0 {
		t.Errorf("dead letters left: %+v", letters)
	}
	checkRetries(t, operationsIn(t, streams), event.Key)
}

// checkRetries looks for the record that the first event's first two dead letters were sent through again.
func checkRetries(t *testing.T, operations []notification.Operation, key string) {
	t.Helper()
	if len(operations) != 2 {
		t.Fatalf("%d operations, want 2", len(operations))
	}
	for i, done := range operations {
		if !strings.Contains(done.By, "@") || done.At.IsZero() || done.Sequence != uint64(i+1) {
			t.Errorf("operation %+v", done)
		}
		done.By, done.At, done.Sequence = "", time.Time{}, 0
		if want := (notification.Operation{
			What: notification.OperationRetryDeadLetter, Group: "billing", Key: key, Reason: notification.ReasonExhausted,
			DeadSequence: uint64(i + 1), NotificationSequence: 1, EventSequence: 1,
			Detail: fmt.Sprintf("handed to the group again in round dead/%d", i+1),
		}); !reflect.DeepEqual(done, want) {
			t.Errorf("operation %+v, want %+v", done, want)
		}
	}
}

func TestInvalidNotificationBecomesAnEventOnceItsSchemaIsMended(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	streams := server.Open(t)
	never := fstest.MapFS{"green-api/incomingCall.json": {Data: []byte(`{"required": ["never"]}`)}}
	handled := make(chan notification.Event, 9)
	handle := func(event notification.Event) error {
		handled <- event
		return nil
	}
	stop := working(t, server, handle, never)
	if err := notifyIn(t, streams, 1, aCall(7, "A"), true); err != nil {
		t.Fatal(err)
	}
	quarantine := writeFile(t, "sluice.yaml", "sources: {green-api: {mode: quarantine}}\n")
	retry := []string{"dead", "retry", "--all", "--reason=invalid", "--nats", server.URL(), "--config", quarantine}
	eventually(t, "a dead letter", func() bool { return len(deadLettersIn(t, streams)) == 1 })
	again := run(t, retry...)
	again.fails(t, 1, "refused again, now dead letter 2: /never is missing", "1 of 1 notification refused again")
	if again.stdout != "sent through again: 1 dead letter: 1 incomingCall\n" {
		t.Errorf("standard output %q", again.stdout)
	}
	stop()
	working(t, server, handle)
	run(t, retry...).want(t, result{stdout: "sent through again: 1 dead letter: 1 incomingCall\n"})
	if event := <-handled; string(event.Body) != aCall(7, "A") || event.NotificationSequence != 3 || !event.ReceivedAt.Equal(receivedAt) {
		t.Errorf("handled %+v", event)
	}
	if letters := deadLettersIn(t, streams); len(letters) != 0 {
		t.Errorf("dead letters left: %+v", letters)
	}
	var lineage []uint64
	for _, n := range all(t, streams.Notifications(testContext(t), admin.Query{})) {
		lineage = append(lineage, n.RetryOf)
	}
	if fmt.Sprint(lineage) != "[0 1 2]" {
		t.Errorf("notifications are retries of %v, want [0 1 2]", lineage)
	}
}

// The mode that travelled with the notification is that of the day when it came. What counts is the source's mode now.
func TestInvalidNotificationBecomesAnEventOnceItsSourceIsObserved(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	streams := server.Open(t)
	handled := make(chan notification.Event, 9)
	working(t, server, func(event notification.Event) error {
		handled <- event
		return nil
	}, fstest.MapFS{"green-api/incomingCall.json": {Data: []byte(`{"required": ["never"]}`)}})
	if err := notifyIn(t, streams, 1, aCall(7, "A"), true); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a dead letter", func() bool { return len(deadLettersIn(t, streams)) == 1 })
	run(t, "dead", "retry", "--all", "--nats", server.URL()).want(t, result{stdout: "sent through again: 1 dead letter: 1 incomingCall\n"})
	if event := <-handled; len(event.Faults) != 1 || event.Faults[0].Pointer != "/never" || event.Quarantine {
		t.Errorf("handled %+v", event)
	}
	// What can't be told from noise is refused in any mode.
	if err := notify(t, streams, 2, `{"typeWebhook":7}`); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a dead letter", func() bool { return len(deadLettersIn(t, streams)) == 1 })
	run(t, "dead", "retry", "--all", "--nats", server.URL()).fails(t, 1, "refused again, now dead letter 3: /typeWebhook must be a string")
}

func TestDeadLetterThatWasSentThroughAndNotRemovedIsSentThroughOnce(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	streams := server.Open(t)
	if _, err := streams.Group(testContext(t), consume.GroupSettings{Name: "billing"}); err != nil {
		t.Fatal(err)
	}
	bury(t, streams)
	letters := deadLettersIn(t, streams)
	for range 2 { // The second time finds what a crash left behind: all but the dead letter.
		for i := range letters {
			if _, err := streams.RetryDeadLetter(testContext(t), &letters[i], "me@here"); err != nil {
				t.Fatal(err)
			}
		}
	}
	if notifications := all(t, streams.Notifications(testContext(t), admin.Query{})); len(notifications) != 1 {
		t.Errorf("%d notifications, want 1", len(notifications))
	}
	if retries := all(t, streams.Retries(testContext(t), admin.Query{})); len(retries) != 1 {
		t.Errorf("%d handed to the group, want 1", len(retries))
	}
}

func TestDeadLetterOfAGroupThatIsGoneStays(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	streams := server.Open(t)
	bury(t, streams)
	retry := []string{"dead", "retry", "2", "1", "--nats", server.URL()}
	run(t, append(retry, "--dry-run")...).fails(t, 1,
		`dead letter 2: there is no group "billing", and no other one either; has a worker been started?`)
	for _, name := range []string{"default", "crm"} {
		if _, err := streams.Group(testContext(t), consume.GroupSettings{Name: name}); err != nil {
			t.Fatal(err)
		}
	}
	got := run(t, retry...)
	got.fails(t, 1, `dead letter 2: there is no group "billing"; there is crm, default`, "1 of 2 dead letters not sent through again")
	if got.stdout != "sent through again: 1 dead letter: 1 incomingCall\n" {
		t.Errorf("standard output %q", got.stdout)
	}
	if letters := deadLettersIn(t, streams); len(letters) != 1 || letters[0].DeadSequence != 2 {
		t.Errorf("dead letters left: %+v", letters)
	}
}

func TestAllAreSentThroughInTheOrderInWhichTheyCame(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	streams := server.Open(t, streamtest.Lanes(1))
	for _, id := range []int{3, 1, 2} {
		deadLetter := notification.DeadLetter{
			Event: sampleEvent(streams, id), Reason: notification.ReasonRefused, Group: "billing", DiedAt: diedAt,
		}
		deadLetter.Sequence = uint64(id)
		if err := streams.PublishDeadLetter(testContext(t), &deadLetter); err != nil {
			t.Fatal(err)
		}
	}
	keys := make(chan string, 9)
	working(t, server, func(event notification.Event) error {
		keys <- event.Key
		return nil
	})
	run(t, "dead", "retry", "--all", "--rate=0", "--nats", server.URL()).want(t, result{
		stdout: "sent through again: 3 dead letters: 3 incomingCall\n",
	})
	if got := <-keys + " " + <-keys + " " + <-keys; got != "key-of-0001 key-of-0002 key-of-0003" {
		t.Errorf("handled in the order %s", got)
	}
}
