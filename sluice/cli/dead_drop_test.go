package cli_test

import (
	"strings"
	"testing"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/streamtest"
)

func TestDeadLettersAreDroppedOnlyWhenThatIsMeantAndItIsRecorded(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	streams := server.Open(t)
	bury(t, streams)
	run(t, "dead", "drop", "--all", "--nats", server.URL()).want(t, result{
		code: 1, stderr: "sluice: nothing dropped; --yes would drop 2 dead letters: 2 incomingCall\n",
	})
	if letters := deadLettersIn(t, streams); len(letters) != 2 {
		t.Fatalf("%d dead letters left, want 2", len(letters))
	}
	got := run(t, "dead", "drop", "--all", "--error=CRM", "--yes", "--nats", server.URL())
	got.fails(t, 0, "dead letter dropped", "sequence=2", "key=key-of-0002", "group=billing")
	if got.stdout != "dropped: 1 dead letter: 1 incomingCall\n" {
		t.Errorf("standard output %q", got.stdout)
	}
	if letters := deadLettersIn(t, streams); len(letters) != 1 || letters[0].DeadSequence != 1 {
		t.Errorf("dead letters left: %+v", letters)
	}
	operations := operationsIn(t, streams)
	if len(operations) != 1 {
		t.Fatalf("%d operations, want 1", len(operations))
	}
	done := operations[0]
	if done.What != notification.OperationDropDeadLetter || done.DeadSequence != 2 || done.EventSequence != 17 ||
		done.NotificationSequence != 102 || done.Key != "key-of-0002" || done.Group != "billing" ||
		done.Reason != notification.ReasonExhausted || !strings.Contains(done.By, "@") {
		t.Errorf("operation %+v", done)
	}
	run(t, "dead", "drop", "--all", "--group=billing", "--yes", "--nats", server.URL()).want(t, result{stdout: "dropped: 0 dead letters\n"})
}
