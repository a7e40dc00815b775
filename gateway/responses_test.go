package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"sluice.internal/gateway"
	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
)

func TestFailureOfTheStoreIsAnsweredSoThatTheSenderRepeats(t *testing.T) {
	t.Parallel()
	for sentence, test := range map[string]struct {
		err        error
		status     int
		code       string
		retryAfter string
	}{
		"no room":                  {stream.ErrFull, 503, "store_full", "60"},
		"no answer":                {stream.ErrUnavailable, 503, "store_unavailable", "5"},
		"no answer in time":        {context.DeadlineExceeded, 503, "store_unavailable", "5"},
		"given up at the end":      {context.Canceled, 503, "store_unavailable", "5"},
		"something else":           {errors.New("disk on fire"), 503, "store_failed", "5"},
		"too large for the server": {stream.ErrTooLarge, 413, "body_too_large", ""},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			store := newMemory()
			store.publish = func(context.Context, *notification.Notification) error {
				return fmt.Errorf("publish: %w", test.err)
			}
			running := start(t, greenAPI(), store)
			answer := running.post(t, []byte(incoming)).wantRefusal(t, test.status, test.code)
			if got := answer.Header.Get("Retry-After"); got != test.retryAfter {
				t.Errorf("asks to wait %q, want %q", got, test.retryAfter)
			}
			if strings.Contains(answer.body, "publish") || answer.Header.Get("Sluice-Receipt") != "" {
				t.Errorf("the sender is told %s", answer.body)
			}
		})
	}
}

func TestStoreThatComesAndGoesGetsALineEach(t *testing.T) {
	t.Parallel()
	var failing atomic.Bool
	store := newMemory()
	store.publish = func(context.Context, *notification.Notification) error {
		if failing.Load() {
			return stream.ErrUnavailable
		}
		return nil
	}
	running := start(t, greenAPI(), store)
	for range 3 { // Only the first of these outages is told: they are within a minute.
		failing.Store(true)
		for range 20 {
			running.post(t, nil).want(t, http.StatusServiceUnavailable)
		}
		failing.Store(false)
		for range 20 {
			running.post(t, nil).want(t, http.StatusOK)
		}
	}
	if lines := running.log.lines(t, slog.LevelInfo, "store takes no notifications", "store_unavailable"); len(lines) != 1 {
		t.Errorf("the outage is told %d times: %s", len(lines), lines)
	}
	if lines := running.log.lines(t, slog.LevelInfo, "store is back", `"refused":20`); len(lines) != 1 {
		t.Errorf("its end is told %d times: %s", len(lines), lines)
	}
	if lines := running.log.lines(t, slog.LevelWarn, "request refused"); len(lines) > 0 {
		t.Errorf("requests have lines of their own: %s", lines)
	}
}

func TestUnforeseenFailureOfTheStoreIsAnError(t *testing.T) {
	t.Parallel()
	store := newMemory()
	store.publish = func(context.Context, *notification.Notification) error { return errors.New("disk on fire") }
	running := start(t, greenAPI(), store)
	running.post(t, nil).wantRefusal(t, http.StatusServiceUnavailable, "store_failed")
	if lines := running.log.lines(t, slog.LevelError, "disk on fire", "store_failed"); len(lines) != 1 {
		t.Errorf("logged %d times", len(lines))
	}
}

func TestPanicCostsOneRequest(t *testing.T) {
	t.Parallel()
	var panicking atomic.Bool
	panicking.Store(true)
	store := newMemory()
	store.publish = func(context.Context, *notification.Notification) error {
		if panicking.Load() {
			panic("the store lost its mind")
		}
		return nil
	}
	running := start(t, greenAPI(), store)
	running.post(t, nil).wantRefusal(t, http.StatusInternalServerError, "internal")
	if lines := running.log.lines(t, slog.LevelError, "the store lost its mind", "responses_test.go"); len(lines) != 1 {
		t.Errorf("logged %d times with its stack", len(lines))
	}
	panicking.Store(false)
	running.post(t, nil).want(t, http.StatusOK)
}

func TestEveryAnswerNamesItsRequest(t *testing.T) {
	t.Parallel()
	running := start(t, greenAPI(), newMemory())
	for _, path := range []string{hookPath, "/nothing", "/healthz", "/readyz"} {
		for _, method := range []string{http.MethodPost, http.MethodGet, http.MethodOptions} {
			if running.do(t, method, path, nil).Header.Get("Sluice-Request-Id") == "" {
				t.Errorf("%s %s is answered without an id", method, path)
			}
		}
	}
}

func TestHealthIsToldAtTheAdminListenerAlone(t *testing.T) {
	t.Parallel()
	settings := greenAPI()
	settings.AdminServed = true
	settings.Ready = func(context.Context) error {
		t.Error("a stranger had readiness looked up")
		return nil
	}
	running := start(t, settings, newMemory())
	for _, path := range []string{"/healthz", "/readyz", "/readyz/", "/healthz?x"} {
		running.do(t, http.MethodGet, path, nil).wantRefusal(t, 404, "not_found")
	}
}

func TestHealthIsTold(t *testing.T) {
	t.Parallel()
	var broken atomic.Bool
	settings := greenAPI()
	settings.Ready = func(context.Context) error {
		if broken.Load() {
			return errors.New("NATS is away")
		}
		return nil
	}
	running := start(t, settings, newMemory())
	if got := running.do(t, http.MethodGet, "/healthz", nil).want(t, 200); strings.TrimSpace(got.body) != `{"status":"ok"}` {
		t.Errorf("health is %s", got.body)
	}
	running.do(t, http.MethodHead, "/healthz", nil).want(t, 200)
	running.do(t, http.MethodGet, "/readyz", nil).want(t, 200)
	broken.Store(true)
	answer := running.do(t, http.MethodGet, "/readyz", nil).wantRefusal(t, 503, "not_ready")
	if strings.Contains(answer.body, "NATS") {
		t.Errorf("everybody is told %s", answer.body)
	}
	running.log.await(t, "not_ready", "NATS is away")
	running.do(t, http.MethodGet, "/healthz", nil).want(t, 200)
	if allow := running.do(t, http.MethodPost, "/healthz", nil).wantRefusal(t, 405, "method_not_allowed").
		Header.Get("Allow"); !strings.Contains(allow, http.MethodGet) {
		t.Errorf("the health check allows %q", allow)
	}
}

func TestReadinessDoesNotDependOnWhoAsks(t *testing.T) {
	t.Parallel()
	settings := greenAPI()
	settings.Ready = func(ctx context.Context) error {
		if _, bounded := ctx.Deadline(); !bounded {
			t.Error("the probe has no deadline")
		}
		return ctx.Err()
	}
	running := start(t, settings, newMemory())
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	recorder := httptest.NewRecorder()
	running.Handler().ServeHTTP(recorder, httptest.NewRequestWithContext(gone, http.MethodGet, "/readyz", nil))
	if recorder.Code != http.StatusOK {
		t.Errorf("answered %d %s", recorder.Code, recorder.Body)
	}
}

//nolint:paralleltest // AllocsPerRun counts for the whole process, so nothing may run beside it.
func TestLookingUpARefusalAllocatesNothing(t *testing.T) {
	if allocations := testing.AllocsPerRun(100, func() { gateway.RefusalCode(context.Canceled) }); allocations > 0 {
		t.Errorf("%.0f allocations", allocations)
	}
}
