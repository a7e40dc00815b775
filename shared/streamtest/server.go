// Package streamtest runs a real NATS server with JetStream inside a test. Only tests import it.
package streamtest

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"sluice.internal/shared/stream"
)

const patience = 20 * time.Second

// Server is a NATS server on a loopback port of its own, with its files in the test's folder.
type Server struct {
	options *server.Options
	running *server.Server
}

// Start runs a server that syncs each write, until the test ends. Change adjusts its options.
func Start(t testing.TB, change ...func(*server.Options)) *Server {
	t.Helper()
	s := &Server{options: &server.Options{
		ServerName: "test", Host: "127.0.0.1", Port: server.RANDOM_PORT,
		JetStream: true, StoreDir: t.TempDir(), SyncAlways: true,
		MaxPayload: 9 << 20, NoLog: true, NoSigs: true,
	}}
	for _, apply := range change {
		apply(s.options)
	}
	s.start(t)
	t.Cleanup(s.stop)
	return s
}

func (s *Server) start(t testing.TB) {
	t.Helper()
	s.launch(t)
	s.await(t)
}

func (s *Server) launch(t testing.TB) {
	t.Helper()
	running, err := server.NewServer(s.options)
	if err != nil {
		t.Fatalf("make NATS server: %v", err)
	}
	running.Start()
	s.running = running
}

func (s *Server) await(t testing.TB) {
	t.Helper()
	running := s.running
	if !running.ReadyForConnections(patience) {
		running.Shutdown()
		t.Fatal("the NATS server did not start")
	}
	if address, ok := running.Addr().(*net.TCPAddr); ok {
		s.options.Port = address.Port // Where it listens again after a stop.
	}
}

func (s *Server) stop() {
	s.running.Shutdown()
	s.running.WaitForShutdown()
}

// Stop ends the server and keeps its files.
func (s *Server) Stop() { s.stop() }

// Resume starts a stopped server again at the same address with the same files.
func (s *Server) Resume(t testing.TB) {
	t.Helper()
	s.start(t)
}

// Wipe removes all files of a stopped server, as an empty disk does.
func (s *Server) Wipe(t testing.TB) {
	t.Helper()
	if err := os.RemoveAll(s.options.StoreDir); err != nil {
		t.Fatal(err)
	}
}

// Restart ends the server and starts it again at the same address with the same files.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	s.stop()
	s.start(t)
}

// URL is where clients connect.
func (s *Server) URL() string { return s.running.ClientURL() }

// Connect opens a connection that is closed when the test ends.
func (s *Server) Connect(t testing.TB) *nats.Conn {
	t.Helper()
	conn, err := stream.Connect(stream.Access{URL: s.URL()}, t.Name(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	return conn
}

// Open opens the streams over a connection of their own.
func (s *Server) Open(t testing.TB, settings stream.Settings) *stream.Streams {
	t.Helper()
	return s.OpenLogged(t, settings, slog.New(slog.DiscardHandler))
}

// OpenLogged is Open with a log.
func (s *Server) OpenLogged(t testing.TB, settings stream.Settings, log *slog.Logger) *stream.Streams {
	t.Helper()
	ctx, cancel := context.WithTimeoutCause(context.Background(), patience, errors.New("the streams did not open"))
	defer cancel()
	streams, err := stream.Open(ctx, s.Connect(t), settings, log)
	if err != nil {
		t.Fatal(err)
	}
	return streams
}
