package consume_test

import (
	"context"
	"strings"
	"testing"

	"sluice.internal/shared/stream/consume"
	"sluice.internal/shared/streamtest"
)

func TestGroupWithOtherTypesIsRefusedWhileItRuns(t *testing.T) {
	t.Parallel()
	streams, ctx := streamtest.Start(t).Open(t, streamtest.Lanes(2)), streamtest.Context(t)
	group, err := streams.Group(ctx, consume.GroupSettings{Name: "calls", Types: []string{"outgoingCall", "incomingCall"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := streams.Group(ctx, consume.GroupSettings{Name: "calls", Types: []string{"incomingCall"}}); err != nil {
		t.Errorf("nobody runs the group, yet it can't be changed: %v", err)
	}
	defer streamtest.Serve(group.Partitions[0], func(*consume.Delivery) {})()
	waitForWorker(ctx, t, streams)
	if _, err := streams.Group(ctx, consume.GroupSettings{Name: "calls", Types: []string{"incomingCall"}}); err != nil {
		t.Errorf("same types are refused: %v", err)
	}
	if _, err := streams.Group(ctx, consume.GroupSettings{Name: "calls"}); err == nil || !strings.Contains(err.Error(), "calls") {
		t.Errorf("error %v, want one that names the group", err)
	}
}

func waitForWorker(ctx context.Context, t *testing.T, streams *streamtest.Streams) {
	t.Helper()
	for {
		status, err := streams.Status(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if len(status.Groups) == 1 && status.Groups[0].Workers > 0 {
			return
		}
	}
}
