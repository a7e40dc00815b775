package broker_test

import (
	"context"
	"log/slog"
	"net"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"sluice.internal/shared/stream"
	"sluice.internal/shared/streamtest"
	"sluice.internal/sluice/broker"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func settings(t *testing.T) broker.Settings {
	t.Helper()
	return broker.Settings{Listen: "127.0.0.1:0", Dir: t.TempDir(), User: "me", Password: "secret", BodyLimit: 8 << 20}
}

// start runs a broker until the test ends.
func start(t *testing.T, with broker.Settings, log *slog.Logger) *broker.Broker {
	t.Helper()
	running, err := broker.New(with, log)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- running.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return running
}

func TestBrokerLetsInWhoKnowsThePassword(t *testing.T) {
	t.Parallel()
	var lines strings.Builder
	running := start(t, settings(t), slog.New(slog.NewTextHandler(&lines, &slog.HandlerOptions{Level: slog.LevelInfo})))
	log := slog.New(slog.DiscardHandler)
	conn, err := stream.Connect(streamtest.Login(t, running.URL(), "me", "secret"), "test", log)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if got := conn.MaxPayload(); got != 8<<20+stream.HeaderReserve {
		t.Errorf("takes messages of %d bytes", got)
	}
	if lines.Len() > 0 {
		t.Errorf("a start that went well says:\n%s", lines.String())
	}
	for user, password := range map[string]string{"": "", "me": "guess"} {
		if conn, err := stream.Connect(streamtest.Login(t, running.URL(), user, password), "test", log); err == nil {
			conn.Close()
			t.Errorf("let in %q with %q", user, password)
		}
	}
}

func TestBrokerKeepsToLoopback(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"0.0.0.0:0", ":4222", "192.0.2.1:4222", "[::]:0", "example.com:1", "127.0.0.1", "127.0.0.1:x", "127.0.0.1:70000"} {
		with := settings(t)
		with.Listen = address
		if _, err := broker.New(with, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), address) {
			t.Errorf("%s: error %v", address, err)
		}
	}
}

func TestPortInUseIsAClearError(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	with := settings(t)
	with.Listen = listener.Addr().String()
	if _, err = broker.New(with, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "--nats-listen") {
		t.Errorf("error %v", err)
	}
}
