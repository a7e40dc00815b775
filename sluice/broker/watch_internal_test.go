package broker

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/shared/stream"
	"sluice.internal/shared/streamtest"
)

func startWatched(t *testing.T) *Broker {
	t.Helper()
	b, err := New(Settings{Listen: "127.0.0.1:0", Dir: t.TempDir(), User: "me", Password: "secret", BodyLimit: 1 << 20}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stopped, cancel := context.WithCancel(context.Background())
		cancel()
		if err := b.Run(stopped); err != nil {
			t.Error(err)
		}
	})
	return b
}

func TestStoreThatIsOffIsStartedAgainWithWhatItHeldAtTheSameAddress(t *testing.T) {
	t.Parallel()
	b := startWatched(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	conn, err := stream.Connect(streamtest.Login(t, b.URL(), "me", "secret"), "test", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.CreateStream(ctx, jetstream.StreamConfig{Name: "KEPT", Subjects: []string{"kept"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := js.Publish(ctx, "kept", nil); err != nil {
		t.Fatal(err)
	}
	before := b.server
	if b.look(t.Context()); b.server != before {
		t.Error("a server that is well was restarted")
	}
	if err := b.server.ShutdownJetStream(); err != nil {
		t.Fatal(err)
	}
	if err := b.fault(); !errors.Is(err, errOff) {
		t.Errorf("fault %v, want %v", err, errOff)
	}
	b.look(t.Context())
	for {
		// A connection that has not noticed that its server is gone would wait for an answer for as long as it may.
		try, cancel := context.WithTimeout(ctx, time.Second)
		// A try that was stored and answered too late is the same message again.
		ack, err := js.Publish(try, "kept", nil, jetstream.WithMsgID("second"))
		cancel()
		if err == nil {
			if ack.Sequence != 2 {
				t.Errorf("sequence %d, want 2", ack.Sequence)
			}
			break
		}
		if ctx.Err() != nil {
			t.Fatal(err)
		}
	}
	if err := b.fault(); err != nil {
		t.Errorf("after the restart: %v", err)
	}
}

// noticing is a log that closes a channel at its first line.
type noticing struct {
	once sync.Once
	seen chan struct{}
}

func (n *noticing) Write(line []byte) (int, error) {
	n.once.Do(func() { close(n.seen) })
	return len(line), nil
}

func TestAddressThatIsTakenForAMomentIsWaitedFor(t *testing.T) {
	t.Parallel()
	b := startWatched(t)
	taken := &noticing{seen: make(chan struct{})}
	b.log = slog.New(slog.NewTextHandler(taken, nil))
	listener, err := net.Listen("tcp", net.JoinHostPort(b.options.Host, "0"))
	if err != nil {
		t.Fatal(err)
	}
	b.options.Port = listener.Addr().(*net.TCPAddr).Port
	go func() {
		<-taken.seen
		_ = listener.Close()
	}()
	if err := b.restart(t.Context()); err != nil {
		t.Error(err)
	}
	if err := b.fault(); err != nil {
		t.Error(err)
	}
}

func TestRestartsKeepTheirDistance(t *testing.T) {
	t.Parallel()
	b := startWatched(t)
	for restarts := range 2 {
		before := b.server
		if err := b.server.ShutdownJetStream(); err != nil {
			t.Fatal(err)
		}
		if b.look(t.Context()); (b.server != before) != (restarts == 0) {
			t.Errorf("after %d restarts within %s: restarted %t", restarts, restartPause, b.server != before)
		}
	}
}

func TestLookingForRoomLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	if err := hasSpace(folder); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(folder); err != nil || len(left) > 0 {
		t.Errorf("left %v, error %v", left, err)
	}
	if err := hasSpace(filepath.Join(folder, "gone")); err == nil {
		t.Error("a folder that is not there has space")
	}
}
