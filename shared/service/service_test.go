package service_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"

	"sluice.internal/shared/service"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestLoggerWritesJSONWhereNobodyLooks(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log, err := service.NewLogger(&out, "warn", service.FormatAuto)
	if err != nil {
		t.Fatal(err)
	}
	log.Info("below the level")
	log.Warn("above it", "n", 1)
	var line map[string]any
	if err := json.Unmarshal(out.Bytes(), &line); err != nil || line["msg"] != "above it" {
		t.Errorf("wrote %q, error %v", out.String(), err)
	}
}

func TestLoggerWritesTextWhereAskedTo(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log, err := service.NewLogger(&out, "debug", service.FormatText)
	if err != nil {
		t.Fatal(err)
	}
	log.Debug("words", "n", 1)
	if !strings.Contains(out.String(), "DBG words n=1") || strings.Contains(out.String(), "\x1b") {
		t.Errorf("wrote %q", out.String())
	}
}

func TestLoggerRefusesWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	if _, err := service.NewLogger(io.Discard, "loud", "json"); err == nil || !strings.Contains(err.Error(), `"loud"`) {
		t.Errorf("error %v", err)
	}
	if _, err := service.NewLogger(io.Discard, "info", "xml"); err == nil || !strings.Contains(err.Error(), `"xml"`) {
		t.Errorf("error %v", err)
	}
}

func TestPartsStopInReverseOrder(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	stopped := make(chan string, 3)
	started := make(chan struct{}, 3)
	part := func(name string) service.Part {
		return service.Part{Name: name, Run: func(ctx context.Context) error {
			started <- struct{}{}
			<-ctx.Done()
			stopped <- name
			return nil
		}}
	}
	go func() {
		for range 3 {
			<-started
		}
		cancel()
	}()
	if err := service.Run(ctx, part("broker"), part("worker"), part("gateway")); err != nil {
		t.Error(err)
	}
	for _, want := range []string{"gateway", "worker", "broker"} {
		if got := <-stopped; got != want {
			t.Errorf("%s stopped where %s should", got, want)
		}
	}
}

func TestPartThatFailsStopsTheOthersAndIsNamed(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	err := service.Run(t.Context(),
		service.Part{Name: "steady", Run: func(ctx context.Context) error { <-ctx.Done(); return nil }},
		service.Part{Name: "shaky", Run: func(context.Context) error { return broken }},
	)
	if !errors.Is(err, broken) || !strings.Contains(err.Error(), "shaky: broken") {
		t.Errorf("error %v", err)
	}
}

func TestSecondSignalEndsAtOnce(t *testing.T) { //nolint:paralleltest // Signals are the process's.
	aborted := make(chan struct{})
	ctx, stop := service.WithSignals(t.Context(), slog.New(slog.DiscardHandler), func() { close(aborted) })
	defer stop()
	raise(t)
	<-ctx.Done()
	select {
	case <-aborted:
		t.Fatal("the first signal ended at once")
	default:
	}
	raise(t)
	<-aborted
}

func raise(t *testing.T) {
	t.Helper()
	if err := syscall.Kill(syscall.Getpid(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
}

func TestAdminTellsHealthAndReadiness(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	failure := make(chan error, 1)
	ready := func(context.Context) error {
		select {
		case err := <-failure:
			return err
		default:
			return nil
		}
	}
	admin, err := service.NewAdmin(service.Checks{Address: "127.0.0.1:0", Ready: ready}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- admin.Run(ctx) }()
	base := "http://" + admin.Address()
	get(t, base+"/healthz", http.StatusOK, `"ok"`)
	get(t, base+"/readyz", http.StatusOK, `"ok"`)
	failure <- errors.New("the store does not answer")
	get(t, base+"/readyz", http.StatusServiceUnavailable, "the store does not answer")
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func get(t *testing.T, url string, status int, want string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Close = true
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != status || !strings.Contains(string(body), want) {
		t.Errorf("%s answered %d %s, error %v", url, response.StatusCode, body, err)
	}
}

func TestAddressInUseIsNamed(t *testing.T) {
	t.Parallel()
	listener, err := service.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	address := listener.Addr().String()
	if _, err := service.Listen(address); err == nil || !strings.Contains(err.Error(), address) {
		t.Errorf("error %v", err)
	}
}
