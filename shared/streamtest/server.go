// Package streamtest runs a real NATS server with JetStream for a test, alone or as a cluster of three, because only the
// real one has its duplicate windows, limits and elections. The server is a process of its own, built from the module
// natsserver, so that no module of the product depends on it. It starts in a tenth of a second. Only tests import the
// package; depguard and a test in sluice/senders hold it.
package streamtest

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"sluice.internal/shared/stream"
	"sluice.internal/shared/streamtest/process"
)

// timeout bounds every wait. A machine that is busy with other tests may take a hundred times as long as one that is not,
// and only a test that fails waits for it.
const timeout = 2 * time.Minute

// Options are what tests choose about a server.
type Options = process.Options

// Server is a NATS server on a loopback port of its own, with its files in the test's folder.
type Server struct {
	// options are kept for the next start, with the port that the first one chose.
	options Options
	running *process.Process
}

// Start runs a server that syncs each write, until the test ends. Change adjusts its options.
func Start(t testing.TB, change ...func(*Options)) *Server {
	t.Helper()
	s := &Server{options: Options{Name: "test", StoreDir: t.TempDir(), SyncAlways: true, MaxPayload: 9 << 20}}
	for _, apply := range change {
		apply(&s.options)
	}
	s.start(t)
	t.Cleanup(s.Stop)
	return s
}

func (s *Server) start(t testing.TB) {
	t.Helper()
	s.launch(t)
	s.await(t)
}

// launch starts the server without waiting until it takes clients: the nodes of a cluster need each other for that.
func (s *Server) launch(t testing.TB) {
	t.Helper()
	running, err := process.Start(s.options)
	must(t, err)
	s.running = running
	s.options.Port = running.Port // Where it listens again after a stop.
}

// await blocks until the server takes connections.
func (s *Server) await(t testing.TB) {
	t.Helper()
	if answer := s.ask(t, "ready"); answer != "true" {
		t.Fatal("the NATS server did not start")
	}
}

func (s *Server) ask(t testing.TB, question string) string {
	t.Helper()
	answer, err := s.running.Ask(question)
	must(t, err)
	return answer
}

// Stop ends the server and keeps its files. A server that is stopped stays so.
func (s *Server) Stop() { _ = s.running.Stop() } // What it says at its end concerns no test.

// Resume starts a stopped server again at the same address with the same files.
func (s *Server) Resume(t testing.TB) {
	t.Helper()
	s.start(t)
}

// SetMaxPayload changes the largest message that a stopped server takes after it was resumed, in bytes.
func (s *Server) SetMaxPayload(bytes int) {
	s.options.MaxPayload = int32(bytes) // Tests give what fits.
}

// Wipe removes all files of a stopped server, as an empty disk does.
func (s *Server) Wipe(t testing.TB) {
	t.Helper()
	must(t, os.RemoveAll(s.options.StoreDir))
}

// Restart ends the server and starts it again at the same address with the same files.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	s.Stop()
	s.start(t)
}

// URL is where clients connect.
func (s *Server) URL() string { return s.running.URL() }

// Connect opens a connection that is closed when the test ends.
func (s *Server) Connect(t testing.TB) *nats.Conn {
	t.Helper()
	conn, err := stream.Connect(Login(t, s.URL(), s.options.Username, s.options.Password), t.Name(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	return conn
}

// Open opens the streams over a connection of their own, as the defaults of the configuration with the changes have them.
func (s *Server) Open(t testing.TB, change ...Change) *Streams {
	t.Helper()
	return s.OpenLogged(t, slog.New(slog.DiscardHandler), change...)
}

// OpenLogged is Open with a log.
func (s *Server) OpenLogged(t testing.TB, log *slog.Logger, change ...Change) *Streams {
	t.Helper()
	ctx, cancel := context.WithTimeoutCause(context.Background(), timeout, errors.New("the streams did not open"))
	defer cancel()
	streams, err := stream.Open(ctx, s.Connect(t), Configured(change...), log)
	if err != nil {
		t.Fatal(err)
	}
	return All(streams)
}

// must ends the test at an error.
func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
