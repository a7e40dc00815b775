package consume_test

import (
	"strings"
	"testing"

	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/consume"
	"sluice.internal/shared/streamtest"
)

// A worker listens to the others before it asks for events, so that nobody is at its consumers yet.
func TestWorkerThatHasJustBegunKeepsOthersFromItsGroup(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	ctx := streamtest.Context(t)
	first, err := server.Open(t).Group(ctx, consume.GroupSettings{Name: "one"})
	if err != nil {
		t.Fatal(err)
	}
	stop, err := first.Listen(func(stream.WorkerState) {}, func() {
		_ = first.Tell(stream.WorkerState{ID: first.ID(), Group: "one"}) // The connection's end is the test's.
	})
	if err != nil {
		t.Fatal(err)
	}
	other := consume.GroupSettings{Name: "one", Types: []string{"incomingCall"}}
	if _, err := server.Open(t).Group(ctx, other); err == nil || !strings.Contains(err.Error(), "choose another group") {
		t.Errorf("a worker with other types joins: error %v", err)
	}
	stop()
	if _, err := server.Open(t).Group(ctx, other); err != nil {
		t.Errorf("nobody is left: %v", err)
	}
}
