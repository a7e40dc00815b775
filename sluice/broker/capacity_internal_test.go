package broker

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/shared/stream"
	"sluice.internal/shared/streamtest"
)

// aboveAnyDisk is more, in bytes, than the disk of any machine has on which the tests run.
const aboveAnyDisk = 1 << 50

// openStore returns the streams of a server until the test ends.
func openStore(t *testing.T, url string) jetstream.JetStream {
	t.Helper()
	conn, err := stream.Connect(streamtest.Login(t, url, "me", "secret"), "test", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	return js
}

// leaveGrown leaves a folder with a message in a stream that may grow to more than the disk has.
func leaveGrown(t *testing.T, dir string) {
	t.Helper()
	running, err := launch(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, Username: "me", Password: "secret", NoSigs: true,
		JetStream: true, StoreDir: dir, JetStreamMaxMemory: memory, JetStreamMaxStore: 2 * aboveAnyDisk,
	}, &logger{log: slog.New(slog.DiscardHandler)}, "")
	if err != nil {
		t.Fatal(err)
	}
	js := openStore(t, running.ClientURL())
	if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "KEPT", Subjects: []string{"kept"}, MaxBytes: aboveAnyDisk}); err != nil {
		t.Fatal(err)
	}
	if _, err := js.Publish(t.Context(), "kept", nil); err != nil {
		t.Fatal(err)
	}
	js.Conn().Close()
	running.Shutdown()
	running.WaitForShutdown()
}

func TestStreamsThatMayGrowToMoreThanTheDiskHasAreServedAndChanged(t *testing.T) {
	t.Parallel()
	dir, log := t.TempDir(), &strings.Builder{}
	leaveGrown(t, dir)
	with := Settings{Listen: "127.0.0.1:0", Dir: dir, User: "me", Password: "secret", BodyLimit: 1 << 20}
	b, err := New(with, slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		stopped, cancel := context.WithCancel(t.Context())
		cancel()
		if err := b.Run(stopped); err != nil {
			t.Error(err)
		}
	}()
	if !strings.Contains(log.String(), "make space, or set streams.notifications.max_bytes") {
		t.Errorf("the operator is told:\n%s", log)
	}
	check := func(age time.Duration) {
		t.Helper()
		js := openStore(t, b.URL())
		changed := jetstream.StreamConfig{Name: "KEPT", Subjects: []string{"kept"}, MaxBytes: aboveAnyDisk, MaxAge: age}
		updated, err := js.UpdateStream(t.Context(), changed)
		if err != nil {
			t.Fatalf("change of a stream: %v", err)
		}
		if held := updated.CachedInfo().State.Msgs; held != 1 {
			t.Errorf("%d messages are left", held)
		}
		if _, err := js.CreateOrUpdateStream(t.Context(), jetstream.StreamConfig{Name: "NEW", Subjects: []string{"new"}, MaxBytes: 256 << 20}); err != nil {
			t.Errorf("stream of a newer program: %v", err)
		}
		if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "LARGE", Subjects: []string{"large"}, MaxBytes: aboveAnyDisk}); err == nil {
			t.Error("one more stream may grow to more than the disk has")
		}
	}
	check(time.Hour)
	if err := b.restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	check(2 * time.Hour)
}
