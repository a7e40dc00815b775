// Package uptest runs a whole Sluice in one process for tests.
package uptest

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"sync"
	"testing"
	"time"

	"sluice.internal/shared/config"
	"sluice.internal/shared/service"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/admin"
	"sluice.internal/sluice/local"
	"sluice.internal/sluice/up"
)

// startTimeout is how long a start may take, also on a machine that is busy with other tests.
const startTimeout = time.Minute

// Sluice is one that runs. It ends with its test.
type Sluice struct {
	// Dir is its data folder.
	Dir string
	// Out and Log are what it has written to standard output and to its log. Read them only after Stop.
	Out, Log *bytes.Buffer
	// Stop ends it and returns why it ended. It may be called more than once.
	Stop func() error
}

// Start runs everything on a data folder and returns when it is ready. NATS listens on any port; the configuration says
// where the gateway does.
func Start(t *testing.T, dir string, cfg *config.Config) *Sluice {
	t.Helper()
	return start(t, dir, cfg, false)
}

// StartAtTerminal is Start by a person who reads along.
func StartAtTerminal(t *testing.T, dir string, cfg *config.Config) *Sluice {
	t.Helper()
	return start(t, dir, cfg, true)
}

// terminal passes on what is written to it and says whether it is a terminal.
type terminal struct {
	io.Writer
	is bool
}

func (t terminal) IsTerminal() bool { return t.is }

func start(t *testing.T, dir string, cfg *config.Config, atTerminal bool) *Sluice {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	s := &Sluice{Dir: dir, Out: &bytes.Buffer{}, Log: &bytes.Buffer{}}
	log, err := service.NewPersonalLogger(s.Log, cfg.Log.Level.String(), service.FormatJSON, cfg.Log.Personal)
	if err != nil {
		t.Fatal(err)
	}
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- up.Run(ctx, cfg, up.Options{
			Data: dir, NATSListen: "127.0.0.1:0", Command: "sluice",
			Out: terminal{io.MultiWriter(s.Out, signal(ready)), atTerminal},
		}, log)
	}()
	s.Stop = sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	select {
	case <-ready:
	case err := <-ended:
		ended <- err
		t.Fatalf("did not start: %v", err)
	case <-time.After(startTimeout):
		t.Fatal("did not start in time")
	}
	return s
}

// signal is closed at the first write, which is the greeting: everything is ready then.
type signal chan struct{}

func (s signal) Write(p []byte) (int, error) {
	close(s)
	return len(p), nil
}

// Description returns how its other programs find it.
func (s *Sluice) Description(t *testing.T) local.Description {
	t.Helper()
	description, err := local.Read(s.Dir)
	if err != nil {
		t.Fatal(err)
	}
	return description
}

// Attach connects to its streams until the test ends.
func (s *Sluice) Attach(t *testing.T) *admin.Client {
	t.Helper()
	description := s.Description(t)
	access, err := config.NewNATS(description.NATSURL, description.NATSUser, description.NATSPassword)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := stream.Connect(access, t.Name(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	streams, err := admin.Attach(t.Context(), conn)
	if err != nil {
		t.Fatal(err)
	}
	return streams
}
