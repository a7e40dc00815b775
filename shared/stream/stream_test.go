package stream_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"sluice.internal/shared/config"
	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/admin"
	"sluice.internal/shared/streamtest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

const testTimeout = 2 * time.Minute

func TestNotificationComesOutAsItWentIn(t *testing.T) {
	t.Parallel()
	streams, ctx := streamtest.Start(t).Open(t), streamtest.Context(t)
	want := streamtest.Notification(7)
	receipt, err := streams.PublishNotification(ctx, &want)
	if err != nil || receipt != 1 {
		t.Fatalf("receipt %d, error %v", receipt, err)
	}
	got := streamtest.TakeIn(ctx, t, streams, 1)[0]
	want.Sequence = 1
	if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestRetriedPublishIsStoredOnce(t *testing.T) {
	t.Parallel()
	streams, ctx := streamtest.Start(t).Open(t), streamtest.Context(t)
	n := streamtest.Notification(1)
	first, err := streams.PublishNotification(ctx, &n)
	if err != nil {
		t.Fatal(err)
	}
	second, err := streams.PublishNotification(ctx, &n)
	if err != nil || second != first {
		t.Errorf("receipts %d and %d, error %v: want the same receipt", first, second, err)
	}
}

func TestFullStreamSaysSo(t *testing.T) {
	t.Parallel()
	ctx := streamtest.Context(t)
	streams := streamtest.Start(t).Open(t, func(s *config.Streams) { s.Notifications.MaxBytes = 4 << 10 })
	for id := range 100 {
		n := streamtest.Notification(id)
		if _, err := streams.PublishNotification(ctx, &n); err != nil {
			if !errors.Is(err, stream.ErrFull) {
				t.Fatalf("error %v, want ErrFull", err)
			}
			return
		}
	}
	t.Error("4 KiB held 100 notifications")
}

func TestUnansweredPublishIsUnavailableAtTheDeadline(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	streams := server.Open(t)
	server.Stop()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	n := streamtest.Notification(1)
	if _, err := streams.PublishNotification(ctx, &n); !errors.Is(err, stream.ErrUnavailable) {
		t.Errorf("error %v, want ErrUnavailable", err)
	}
	server.Resume(t)
	ctx = streamtest.Context(t)
	after := streamtest.Notification(2)
	receipt, err := streams.PublishNotification(ctx, &after)
	if err != nil || receipt != 1 {
		t.Errorf("receipt %d, error %v: want 1, since what was given up must not be stored later", receipt, err)
	}
}

func TestCountsThatDisagreeAreAnError(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	server.Open(t, streamtest.Shards(2), streamtest.Lanes(8))
	if streams := server.Open(t); streams.Shards() != 2 || streams.Lanes() != 8 {
		t.Errorf("without settings: %d shards and %d lanes, want what was created", streams.Shards(), streams.Lanes())
	}
	for name, change := range map[string]streamtest.Change{"shards": streamtest.Shards(4), "lanes": streamtest.Lanes(64)} {
		_, err := stream.Open(streamtest.Context(t), server.Connect(t), streamtest.Configured(change), slog.New(slog.DiscardHandler))
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func TestChangedSettingsChangeTheStreams(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	server.Open(t)
	streams := server.Open(t, func(s *config.Streams) { s.Events.MaxBytes = 100 << 20 })
	status, err := streams.Status(streamtest.Context(t))
	if err != nil {
		t.Fatal(err)
	}
	index := slices.IndexFunc(status.Streams, func(u admin.Usage) bool { return u.Name == stream.Events })
	if got := status.Streams[index].MaxBytes; got != 100<<20 {
		t.Errorf("EVENTS may hold %d bytes, want %d", got, 100<<20)
	}
}

func TestAlertsAboutTheSameThingAreOne(t *testing.T) {
	t.Parallel()
	streams, ctx := streamtest.Start(t).Open(t), streamtest.Context(t)
	for i := range 3 {
		for _, instance := range []string{"1", "2"} {
			alert := notification.Alert{Severity: notification.SeverityCritical, Title: "x", Detail: fmt.Sprint(i), Instance: instance}
			first, err := streams.PublishAlert(ctx, &alert)
			if err != nil {
				t.Fatal(err)
			}
			if first != (i == 0) {
				t.Errorf("alert %d about %s: first is %t", i, instance, first)
			}
		}
	}
	status, err := streams.Status(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, usage := range status.Streams {
		if usage.Name == stream.Alerts && usage.Messages != 2 {
			t.Errorf("%d alerts, want 2", usage.Messages)
		}
	}
}

func TestConnectionErrorsHideThePasswordAndSayWhatToDo(t *testing.T) {
	t.Parallel()
	for _, url := range []string{
		"nats://me:hunter2@127.0.0.1:1", "nats://me:hunter1@127.0.0.1:1,nats://me:hunter2@127.0.0.1:2",
	} {
		_, err := stream.Connect(streamtest.At(t, url), "test", slog.New(slog.DiscardHandler))
		if err == nil || strings.Contains(err.Error(), "hunter") || !strings.Contains(err.Error(), "is it running") {
			t.Errorf("error %v", err)
		}
	}
}
