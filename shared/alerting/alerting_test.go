package alerting_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"sluice.internal/shared/alerting"
	"sluice.internal/shared/notification"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// journal is a log that may be read while it is written.
type journal struct {
	mutex sync.Mutex
	bytes bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	return j.bytes.Write(p)
}

func (j *journal) String() string {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	return j.bytes.String()
}

func (j *journal) logger() *slog.Logger { return slog.New(slog.NewTextHandler(j, nil)) }

func alert(title string) notification.Alert {
	return notification.Alert{Severity: notification.SeverityWarning, Title: title, Detail: "look at it", At: time.Now()}
}

// run runs a notifier until stop is called, which returns when it has ended.
func run(t *testing.T, notifier *alerting.Notifier) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- notifier.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return stop
}

func TestSameThingIsStoredOncePerWindow(t *testing.T) {
	t.Parallel()
	stored := make(chan string, 10)
	var log journal
	notifier := alerting.New(func(_ context.Context, alert *notification.Alert) (bool, error) {
		stored <- alert.Title
		return true, nil
	}, time.Hour, log.logger())
	stop := run(t, notifier)
	for id := range 5 {
		if news := notifier.Notify(alert("a")); news != (id == 0) {
			t.Errorf("notification %d: news is %t", id, news)
		}
	}
	if !notifier.Notify(alert("b")) {
		t.Error("another thing is no news")
	}
	stop()
	if got := []string{<-stored, <-stored}; len(stored) != 0 || got[0] != "a" || got[1] != "b" {
		t.Errorf("stored %v and %d more, want a and b", got, len(stored))
	}
	if lines := strings.Count(log.String(), "alert: "); lines != 2 {
		t.Errorf("%d lines, want 2:\n%s", lines, &log)
	}
}

func TestAlertThatAnotherProcessHasToldIsNotLogged(t *testing.T) {
	t.Parallel()
	var log journal
	notifier := alerting.New(func(context.Context, *notification.Alert) (bool, error) { return false, nil }, time.Hour, log.logger())
	stop := run(t, notifier)
	notifier.Notify(alert("a"))
	stop()
	if log.String() != "" {
		t.Errorf("log:\n%s", &log)
	}
}

func TestStoreThatDoesNotAnswerHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	var log journal
	taken, release := make(chan struct{}, 1000), make(chan struct{})
	notifier := alerting.New(func(ctx context.Context, _ *notification.Alert) (bool, error) {
		taken <- struct{}{}
		select {
		case <-release:
			return true, nil
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}, time.Hour, log.logger())
	stop := run(t, notifier)
	notifier.Notify(alert("first"))
	<-taken // The goroutine is busy with it from now on.
	const queued, more = 256, 44
	for id := range queued + more {
		if !notifier.Notify(alert(fmt.Sprint(id))) {
			t.Fatalf("alert %d is no news", id)
		}
	}
	if strings.Contains(log.String(), "dropped") {
		t.Error("dropped alerts are reported while the queue is full")
	}
	close(release)
	stop()
	if !strings.Contains(log.String(), fmt.Sprintf("dropped=%d", more)) || len(taken) != queued {
		t.Errorf("stored %d after the first, want %d and %d dropped; log:\n%.300s", len(taken), queued, more, &log)
	}
}

func TestAlertThatIsBeingStoredAtTheStopIsStored(t *testing.T) {
	t.Parallel()
	taken, release := make(chan struct{}), make(chan struct{})
	var log journal
	notifier := alerting.New(func(ctx context.Context, _ *notification.Alert) (bool, error) {
		close(taken)
		<-release
		return true, ctx.Err()
	}, time.Hour, log.logger())
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- notifier.Run(ctx) }()
	notifier.Notify(alert("a"))
	<-taken
	cancel()
	close(release)
	if err := <-ended; err != nil || strings.Contains(log.String(), "not stored") {
		t.Errorf("error %v, log:\n%s", err, &log)
	}
}

func TestAlertThatCannotBeStoredIsInTheLog(t *testing.T) {
	t.Parallel()
	var log journal
	notifier := alerting.New(func(context.Context, *notification.Alert) (bool, error) {
		return false, errors.New("no permission")
	}, time.Hour, log.logger())
	stop := run(t, notifier)
	notifier.Notify(alert("the disk is full"))
	stop()
	for _, want := range []string{"level=ERROR", "the disk is full", "look at it", "no permission"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("log lacks %q:\n%s", want, &log)
		}
	}
	if err := notifier.Publish(t.Context(), alert("again")); err == nil {
		t.Error("Publish returned no error")
	}
}

func TestStopEndsThoughTheStoreDoesNotAnswer(t *testing.T) {
	t.Parallel()
	var log journal
	notifier := alerting.New(func(ctx context.Context, _ *notification.Alert) (bool, error) {
		<-ctx.Done()
		return false, ctx.Err()
	}, time.Hour, log.logger())
	stop := run(t, notifier)
	for id := range 100 {
		notifier.Notify(alert(fmt.Sprint(id)))
	}
	stop()
	if lines := strings.Count(log.String(), "alert not stored"); lines != 100 {
		t.Errorf("%d alerts are in the log, want 100", lines)
	}
}

func TestMemoryOfAlertsIsBounded(t *testing.T) {
	t.Parallel()
	notifier := alerting.New(func(context.Context, *notification.Alert) (bool, error) { return true, nil },
		time.Hour, slog.New(slog.DiscardHandler))
	notifier.Notify(alert("first"))
	for id := range 20_000 {
		notifier.Notify(alert(fmt.Sprint(id)))
	}
	if !notifier.Notify(alert("first")) {
		t.Error("20,000 fingerprints are remembered")
	}
}
