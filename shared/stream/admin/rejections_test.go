package admin_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream/admin"
	"sluice.internal/shared/streamtest"
)

func TestAcceptedRejectionIsOneNotificationAndGone(t *testing.T) {
	t.Parallel()
	streams := streamtest.Start(t).Open(t)
	ctx := streamtest.Context(t)
	rejection := notification.Rejection{
		Cause: "wrong-secret", Source: "github", RequestID: "r", ReceivedAt: time.Now().UTC(), Body: []byte("{}"),
		Header: map[string][]string{"X-A": {"b"}}, TokenDigests: map[string]string{"": "abc"},
	}
	if err := streams.PublishRejection(ctx, &rejection); err != nil {
		t.Fatal(err)
	}
	kept, err := streams.Rejection(ctx, 1)
	if err != nil {
		t.Fatal(err)
	}
	if kept.TokenDigests[""] != "abc" || kept.Header["X-A"][0] != "b" || !bytes.Equal(kept.Body, rejection.Body) {
		t.Errorf("kept %+v", kept)
	}
	n := &notification.Notification{Origin: notification.Origin{Source: "github", RequestID: "r", ReceivedAt: rejection.ReceivedAt, Body: kept.Body}}
	for range 2 { // The second time finds what a crash left behind: all but the rejection.
		if _, err := streams.AcceptRejection(ctx, &kept, n, "me@here", "why"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := streams.Rejection(ctx, 1); !errors.Is(err, admin.ErrNoRejection) {
		t.Errorf("the rejection: %v", err)
	}
	checkStoredOnce(t, streams, n)
	checkOperation(t, streams)
}

func checkOperation(t *testing.T, streams *streamtest.Streams) {
	t.Helper()
	for operation, err := range streams.Operations(streamtest.Context(t), admin.Query{}) {
		if err != nil || operation.What != notification.OperationAcceptRejection || operation.By != "me@here" ||
			operation.RejectionSequence != 1 || operation.NotificationSequence != 1 || operation.Reason != "wrong-secret" {
			t.Errorf("operation %+v: %v", operation, err)
		}
	}
}

// checkStoredOnce looks for the notification, and for no other.
func checkStoredOnce(t *testing.T, streams *streamtest.Streams, want *notification.Notification) {
	t.Helper()
	stored := 0
	for got, err := range streams.Notifications(streamtest.Context(t), admin.Query{}) {
		if err != nil || got.RequestID != want.RequestID || !got.ReceivedAt.Equal(want.ReceivedAt) {
			t.Errorf("notification %+v: %v", got, err)
		}
		stored++
	}
	if stored != 1 {
		t.Errorf("%d notifications, want 1", stored)
	}
}
