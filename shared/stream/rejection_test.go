package stream_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/streamtest"
)

func TestManyRejectionsOfOneKindPushOutNoneOfAnother(t *testing.T) {
	t.Parallel()
	streams := streamtest.Start(t).Open(t, stream.Settings{})
	ctx := testContext(t)
	publish := func(cause, source string, size int) {
		t.Helper()
		err := streams.PublishRejection(ctx, &notification.Rejection{Cause: cause, Source: source, Body: make([]byte, size)})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, size := range []int{10, 50 << 10, 200 << 10} {
		publish("expired-secret", "github", size)
	}
	publish("wrong-secret", "slack", 10)
	for i := range 3000 {
		publish("wrong-secret", "github", 10)
		if i%100 == 0 {
			publish("wrong-secret", "github", 50<<10)
		}
	}
	counts, bytes := map[string]int{}, 0
	for rejection, err := range streams.Rejections(ctx, stream.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		counts[fmt.Sprintf("%s %s %d", rejection.Cause, rejection.Source, len(rejection.Body))]++
		bytes += len(rejection.Body)
	}
	for kind, want := range map[string]int{
		"expired-secret github 10": 1, "expired-secret github 51200": 1, "expired-secret github 204800": 1,
		"wrong-secret slack 10": 1, "wrong-secret github 10": 512, "wrong-secret github 51200": 16,
	} {
		if counts[kind] != want {
			t.Errorf("%d of %s are kept, want %d", counts[kind], kind, want)
		}
	}
	for range 9 {
		publish("wrong-secret", "github", 200<<10)
	}
	large := 0
	for rejection, err := range streams.Rejections(ctx, stream.Query{Cause: "wrong-secret"}) {
		if err != nil {
			t.Fatal(err)
		}
		if len(rejection.Body) == 200<<10 {
			large++
		}
	}
	if large != 4 {
		t.Errorf("%d large ones are kept, want 4", large)
	}
}

func TestAcceptedRejectionIsOneNotificationAndGone(t *testing.T) {
	t.Parallel()
	streams := streamtest.Start(t).Open(t, stream.Settings{})
	ctx := testContext(t)
	rejection := notification.Rejection{
		Cause: "wrong-secret", Source: "github", RequestID: "r", ReceivedAt: time.Now().UTC(), Body: []byte("{}"),
		Header: map[string][]string{"X-A": {"b"}}, Sealed: map[string]string{"": "abc"},
	}
	if err := streams.PublishRejection(ctx, &rejection); err != nil {
		t.Fatal(err)
	}
	kept, err := streams.Rejection(ctx, 1)
	if err != nil {
		t.Fatal(err)
	}
	if kept.Sealed[""] != "abc" || kept.Header["X-A"][0] != "b" || !bytes.Equal(kept.Body, rejection.Body) {
		t.Errorf("kept %+v", kept)
	}
	n := &notification.Notification{Source: "github", RequestID: "r", ReceivedAt: rejection.ReceivedAt, Body: kept.Body}
	for range 2 { // The second time finds what a crash left behind: all but the rejection.
		if _, err := streams.AcceptRejection(ctx, &kept, n, "me@here", "why"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := streams.Rejection(ctx, 1); !errors.Is(err, stream.ErrNoRejection) {
		t.Errorf("the rejection: %v", err)
	}
	checkStoredOnce(t, streams, n)
	checkOperation(t, streams)
}

func checkOperation(t *testing.T, streams *stream.Streams) {
	t.Helper()
	for operation, err := range streams.Operations(testContext(t), stream.Query{}) {
		if err != nil || operation.What != notification.OperationAcceptRejection || operation.By != "me@here" ||
			operation.RejectionSequence != 1 || operation.NotificationSequence != 1 || operation.Reason != "wrong-secret" {
			t.Errorf("operation %+v: %v", operation, err)
		}
	}
}

// checkStoredOnce looks for the notification, and for no other.
func checkStoredOnce(t *testing.T, streams *stream.Streams, want *notification.Notification) {
	t.Helper()
	stored := 0
	for got, err := range streams.Notifications(testContext(t), stream.Query{}) {
		if err != nil || got.RequestID != want.RequestID || !got.ReceivedAt.Equal(want.ReceivedAt) {
			t.Errorf("notification %+v: %v", got, err)
		}
		stored++
	}
	if stored != 1 {
		t.Errorf("%d notifications, want 1", stored)
	}
}
