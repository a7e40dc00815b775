package stream_test

import (
	"testing"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/streamtest"
)

func TestNewestNotificationOfEachSourceIsFound(t *testing.T) {
	t.Parallel()
	streams := streamtest.Start(t).Open(t, stream.Settings{})
	ctx := testContext(t)
	if last, err := streams.LastReceived(ctx); err != nil || len(last) != 0 {
		t.Errorf("of none: %v, %v", last, err)
	}
	for id, source := range []string{"github", "my.crm", "github"} {
		n := notification.Notification{Source: source, Instance: string("ab"[id%2]), RequestID: string("123"[id]), Body: []byte("{}")}
		if _, err := streams.PublishNotification(ctx, &n); err != nil {
			t.Fatal(err)
		}
	}
	last, err := streams.LastReceived(ctx)
	if err != nil || len(last) != 2 || !last["github"].After(last["my.crm"]) {
		t.Errorf("last %v: %v", last, err)
	}
}
