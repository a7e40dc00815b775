package gateway_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"sluice.internal/gateway"
	"sluice.internal/shared/config"
	"sluice.internal/shared/notification"
)

func TestFaultySettingsAreRefused(t *testing.T) {
	t.Parallel()
	twice := func(change func(*config.Source)) gateway.Settings {
		settings := greenAPI()
		settings.Sources = append(settings.Sources, greenAPI(change).Sources...)
		return settings
	}
	larger := greenAPI(func(from *config.Source) { from.BodyLimit = 71 * config.MiB })
	larger.BodyLimit = 71 * config.MiB
	for want, settings := range map[string]gateway.Settings{
		"there is no source":                settingsOf(),
		`taken by the health check`:         greenAPI(func(from *config.Source) { from.Path = "/healthz" }),
		`taken by the readiness check`:      greenAPI(func(from *config.Source) { from.Path = "/readyz/" }),
		`taken by source "green-api"`:       twice(func(from *config.Source) { from.Name, from.Path = "b", hookPath+"/" }),
		"there are two of that name":        twice(func(from *config.Source) { from.Path = "/b" }),
		"max_payload of NATS to at least 7": larger,
	} {
		_, err := gateway.New(settings, newMemory(), slog.New(slog.DiscardHandler))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestAllFaultsAreToldAtOnce(t *testing.T) {
	t.Parallel()
	settings := greenAPI(func(from *config.Source) { from.Path, from.BodyLimit = "/healthz", 71*config.MiB })
	settings.BodyLimit = 71 * config.MiB
	_, err := gateway.New(settings, newMemory(), slog.New(slog.DiscardHandler))
	for _, want := range []string{"health check", "max_payload"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not tell %q", err, want)
		}
	}
}

func TestDefaultsAreEnoughToServe(t *testing.T) {
	t.Parallel()
	store := newMemory()
	store.maxBody = 8 << 20 // The default limit fits exactly.
	running := start(t, greenAPI(func(from *config.Source) { from.Path = "" }), store)
	running.post(t, make([]byte, 8<<20)).want(t, http.StatusOK)
	running.post(t, make([]byte, 8<<20+1)).want(t, http.StatusRequestEntityTooLarge)
}

func TestPortInUseIsToldAtOnce(t *testing.T) {
	t.Parallel()
	settings := greenAPI()
	settings.Listen = start(t, greenAPI(), newMemory()).Address()
	_, err := gateway.New(settings, newMemory(), slog.New(slog.DiscardHandler))
	if err == nil || !strings.HasPrefix(err.Error(), fmt.Sprintf("listen on %q: address already in use", settings.Listen)) {
		t.Errorf("got %v", err)
	}
	settings.Listen = "nowhere:none"
	if _, err := gateway.New(settings, newMemory(), slog.New(slog.DiscardHandler)); err == nil {
		t.Error("a nonsensical address is no error")
	}
}

func TestHeaderIsBounded(t *testing.T) {
	t.Parallel()
	running := start(t, greenAPI(), newMemory())
	running.post(t, nil, header("X-Large", strings.Repeat("x", 15<<10))).want(t, http.StatusOK)
	running.post(t, nil, header("X-Large", strings.Repeat("x", 24<<10))).want(t, http.StatusRequestHeaderFieldsTooLarge)
}

func TestRunWithAnEndedContextClosesTheListener(t *testing.T) {
	t.Parallel()
	g, err := gateway.New(greenAPI(), newMemory(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := g.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if conn, err := net.Dial("tcp", g.Address()); err == nil {
		_ = conn.Close()
		t.Error("the port is still open")
	}
}

func TestShutdownLosesNothingThatWasAnswered200(t *testing.T) {
	t.Parallel()
	store := newMemory()
	running := start(t, greenAPI(), store)
	var (
		load     sync.WaitGroup
		answered sync.Map
		half     = make(chan struct{})
		client   = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 8}}
	)
	defer client.CloseIdleConnections()
	for worker := range 8 {
		load.Go(func() {
			for i := 0; ; i++ {
				if worker == 0 && i == 100 {
					close(half)
				}
				body := fmt.Sprintf("%d-%d", worker, i)
				if err := postVia(client, running.url(hookPath), body); err != nil {
					return // The gateway is gone.
				}
				answered.Store(body, true)
			}
		})
	}
	<-half
	if err := running.stop(); err != nil {
		t.Errorf("Run returned %v", err)
	}
	load.Wait()

	stored := map[string]bool{}
	notifications, _ := store.all()
	for _, n := range notifications {
		stored[string(n.Body)] = true
	}
	answered.Range(func(body, _ any) bool {
		if !stored[fmt.Sprint(body)] {
			t.Errorf("%v was answered 200 and is not stored", body)
		}
		return true
	})
}

func postVia(client *http.Client, url, body string) error {
	request, err := http.NewRequestWithContext(context.Background(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", token)
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return errors.New(response.Status)
	}
	_, err = bytes.NewBuffer(nil).ReadFrom(response.Body)
	return err
}

func TestGatewayThatShutsDownIsNotReadyAndEndsWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	store, entered, leave := newMemory(), make(chan struct{}), make(chan struct{})
	store.publish = func(context.Context, *notification.Notification) error {
		close(entered)
		<-leave
		return nil
	}
	running := start(t, greenAPI(), store)
	let := sync.OnceFunc(func() { close(leave) })
	t.Cleanup(let)
	conn := running.dial(t)
	ask(t, conn, "Content-Length: 0")
	<-entered
	stopped := make(chan error, 1)
	go func() { stopped <- running.stop() }()
	running.log.await(t, "gateway stopping")

	recorder := httptest.NewRecorder() // A server that shuts down takes no new request from a connection.
	running.Handler().ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/readyz", nil))
	if recorder.Code != http.StatusServiceUnavailable {
		t.Errorf("readiness is answered %d", recorder.Code)
	}
	let()
	readAnswer(t, conn).want(t, http.StatusOK)
	if err := <-stopped; err != nil {
		t.Errorf("Run returned %v", err)
	}
	store.only(t)
}

func TestShutdownIsBounded(t *testing.T) {
	t.Parallel()
	store, entered := newMemory(), make(chan struct{})
	store.publish = func(ctx context.Context, _ *notification.Notification) error {
		close(entered)
		<-ctx.Done()
		return ctx.Err()
	}
	settings := greenAPI()
	settings.ShutdownTimeout = 20 * time.Millisecond
	running := start(t, settings, store)
	ask(t, running.dial(t), "Content-Length: 0")
	<-entered
	if err := running.stop(); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Run returned %v, want that requests were cut off", err)
	}
	if stored, _ := store.all(); len(stored) > 0 {
		t.Error("the request is stored")
	}
}

func TestRejectionsAreWrittenBeforeRunReturns(t *testing.T) {
	t.Parallel()
	store := newMemory()
	running := start(t, greenAPI(), store)
	for range 50 {
		running.post(t, nil, header("Authorization", "wrong")).want(t, http.StatusUnauthorized)
	}
	if err := running.stop(); err != nil {
		t.Fatal(err)
	}
	if _, kept := store.all(); len(kept) != 50 {
		t.Errorf("%d of 50 rejections are kept", len(kept))
	}
}

func TestClientAddressOfTheConnectionIsPlain(t *testing.T) {
	t.Parallel()
	store, settings := newMemory(), greenAPI(allowing("127.0.0.1/32"))
	settings.Listen = ":0" // Where there is IPv6, a connection over IPv4 shows as IPv4 in IPv6.
	g, err := gateway.New(settings, store, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- g.Run(ctx) }()
	port := netip.MustParseAddrPort(g.Address()).Port()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	if err := postVia(client, fmt.Sprintf("http://127.0.0.1:%d%s", port, hookPath), ""); err != nil {
		t.Error(err)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if got := store.only(t).RemoteAddress; got != "127.0.0.1" {
		t.Errorf("came from %q", got)
	}
}
