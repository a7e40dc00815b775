package consume_test

import (
	"testing"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/streamtest"
)

func TestNewestNotificationOfEachSourceIsFound(t *testing.T) {
	t.Parallel()
	streams := streamtest.Start(t).Open(t)
	ctx := streamtest.Context(t)
	if last, err := streams.LastReceived(ctx); err != nil || len(last) != 0 {
		t.Errorf("of none: %v, %v", last, err)
	}
	for id, source := range []string{"github", "my.crm", "github"} {
		n := notification.Notification{Origin: notification.Origin{Source: source, RequestID: string("123"[id]), Body: []byte("{}")}, Instance: string("ab"[id%2])}
		if _, err := streams.PublishNotification(ctx, &n); err != nil {
			t.Fatal(err)
		}
	}
	last, err := streams.LastReceived(ctx)
	if err != nil || len(last) != 2 || !last["github"].After(last["my.crm"]) {
		t.Errorf("last %v: %v", last, err)
	}
}
