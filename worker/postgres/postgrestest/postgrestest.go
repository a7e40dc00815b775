// Package postgrestest runs a real PostgreSQL for tests, on a loopback port of its own, with its files in a temporary folder.
// The programs are those that are installed; where there are none the test fails and says how to get them.
package postgrestest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// timeout bounds every wait. Only a test that fails waits for it.
const timeout = time.Minute

// Password is that of the user of the tests, who owns the server.
const Password = "a password of tests"

// ErrMissing is that no PostgreSQL is installed.
var ErrMissing = errors.New("no PostgreSQL is installed: run `sh worker/postgres/postgrestest/install.sh`, or install the package postgresql")

// Server is a PostgreSQL.
type Server struct {
	folder  string // of the programs
	data    string
	port    int
	owner   *syscall.Credential // nil for the user who runs the tests
	output  string              // the file that the server writes into
	options []string
	command *exec.Cmd
	ended   chan struct{} // closed when it has ended; nil while it does not run
	counter atomic.Int64
}

// New makes a server and starts it. Options are parameters as in postgresql.conf, such as "max_connections=20". Nothing is
// synced unless they say so: what survives the end of a process is enough for most tests. Close has to be called.
func New(options ...string) (*Server, error) {
	programs, err := find()
	if err != nil {
		return nil, err
	}
	s := &Server{folder: programs, options: options}
	if s.data, err = os.MkdirTemp("", "sluice-postgres-"); err != nil {
		return nil, err
	}
	if err := s.initialise(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(s.data))
	}
	if err := s.start(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// Start is New for one test, which ends the server.
func Start(tb testing.TB, options ...string) *Server {
	tb.Helper()
	s, err := New(options...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Error(err)
		}
	})
	return s
}

// find returns the folder of the newest installed version's programs.
func find() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if err != nil {
		return "", err
	}
	version := func(path string) float64 {
		number, _ := strconv.ParseFloat(filepath.Base(filepath.Dir(filepath.Dir(path))), 64)
		return number
	}
	slices.SortFunc(found, func(a, b string) int { return int(version(a) - version(b)) })
	if len(found) > 0 {
		return filepath.Dir(found[len(found)-1]), nil
	}
	if path, err := exec.LookPath("initdb"); err == nil { // Other systems have it in the path.
		if path, err = filepath.EvalSymlinks(path); err == nil {
			return filepath.Dir(path), nil
		}
	}
	return "", ErrMissing
}

// initialise makes the files of a server. PostgreSQL refuses to run as root, so root hands them to somebody who may do nothing.
func (s *Server) initialise() error {
	if os.Geteuid() == 0 {
		if err := s.disown(); err != nil {
			return err
		}
	}
	password, data := filepath.Join(s.data, "password"), filepath.Join(s.data, "data")
	if err := os.WriteFile(password, []byte(Password), 0o600); err != nil {
		return err
	}
	if s.owner != nil {
		if err := os.Chown(password, int(s.owner.Uid), int(s.owner.Gid)); err != nil {
			return err
		}
	}
	initdb := s.program("initdb", "--pgdata", data, "--username", "tests", "--pwfile", password, "--auth", "scram-sha-256",
		"--encoding", "UTF8", "--no-locale", "--no-sync")
	if output, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, output)
	}
	s.output = filepath.Join(s.data, "output")
	return nil
}

func (s *Server) disown() error {
	for _, name := range []string{"postgres", "nobody"} {
		found, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.ParseUint(found.Uid, 10, 32)
		if err != nil {
			return err
		}
		gid, err := strconv.ParseUint(found.Gid, 10, 32)
		if err != nil {
			return err
		}
		s.owner = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		return os.Chown(s.data, int(uid), int(gid))
	}
	return errors.New("PostgreSQL does not run as root, and there is no user postgres or nobody")
}

func (s *Server) program(name string, arguments ...string) *exec.Cmd {
	command := exec.Command(filepath.Join(s.folder, name), arguments...)
	command.Dir = s.data
	command.SysProcAttr = attributes()
	command.SysProcAttr.Credential, command.SysProcAttr.Setpgid = s.owner, true
	return command
}

// start runs the server, at the port that it had before, and waits until it takes connections.
func (s *Server) start() error {
	const tries = 5
	var failure error
	for range tries {
		port := s.port
		if port == 0 {
			var err error
			if port, err = freePort(); err != nil {
				return err
			}
		}
		if failure = s.run(port); failure == nil {
			s.port = port
			return nil
		}
	}
	return failure
}

func (s *Server) run(port int) error {
	output, err := os.Create(s.output)
	if err != nil {
		return err
	}
	defer output.Close()
	arguments := []string{"-D", filepath.Join(s.data, "data"), "-p", strconv.Itoa(port)}
	for _, option := range append([]string{"listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off"}, s.options...) {
		arguments = append(arguments, "-c", option)
	}
	s.command = s.program("postgres", arguments...)
	s.command.Stdout, s.command.Stderr = output, output
	if err := s.command.Start(); err != nil {
		return err
	}
	ended := make(chan struct{})
	command := s.command
	go func() {
		defer close(ended)
		_ = command.Wait() // Its exit code says how it was ended.
	}()
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	for {
		conn, err := pgx.Connect(ctx, s.url("postgres", port))
		if err == nil {
			s.ended = ended
			return conn.Close(ctx)
		}
		select {
		case <-ended:
			said, err := os.ReadFile(s.output)
			return errors.Join(fmt.Errorf("postgres ended:\n%s", said), err)
		case <-ctx.Done():
			_ = command.Process.Kill()
			return fmt.Errorf("postgres takes no connections: %w", err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// freePort returns a port that nobody listens on, and none of those that systems give to connections, so that it is free
// when the server starts again.
func freePort() (int, error) {
	const first, count, tries = 20_000, 12_000, 100
	var failure error
	for range tries {
		port := first + rand.N(count)
		listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil {
			return port, listener.Close()
		}
		failure = err
	}
	return 0, fmt.Errorf("find a free port: %w", failure)
}

func (s *Server) url(database string, port int) string {
	return fmt.Sprintf("postgres://tests:%s@127.0.0.1:%d/%s", strings.ReplaceAll(Password, " ", "%20"), port, database)
}

// Stop ends the server as an operator does: transactions are rolled back.
func (s *Server) Stop() error { return s.end(syscall.SIGINT) }

// Crash ends the server without any order: what it had not written is found in its log when it starts again.
func (s *Server) Crash() error { return s.end(syscall.SIGQUIT) }

func (s *Server) end(signal os.Signal) error {
	if s.ended == nil {
		return nil
	}
	if err := s.command.Process.Signal(signal); err != nil {
		return err
	}
	select {
	case <-s.ended:
		s.ended = nil
		return nil
	case <-time.After(timeout):
		return errors.New("postgres does not end")
	}
}

// Kill ends the server and all of its processes as `kill -9` does.
func (s *Server) Kill() error {
	if s.ended == nil {
		return nil
	}
	if err := killAll(s.command.Process.Pid); err != nil {
		return err
	}
	<-s.ended // It was killed, so it ends.
	s.ended = nil
	return nil
}

// URL is that of a database which is there from the start, for tests with a server of their own.
func (s *Server) URL() string { return s.url("postgres", s.port) }

// Resume starts a server that was ended, at the same address with the same files.
func (s *Server) Resume() error { return s.start() }

// Close ends the server and removes its files.
func (s *Server) Close() error { return errors.Join(s.end(syscall.SIGQUIT), os.RemoveAll(s.data)) }

// Database makes an empty database and returns its URL.
func (s *Server) Database(tb testing.TB) string {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.url("postgres", s.port))
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	name := fmt.Sprintf("test%d", s.counter.Add(1))
	if _, err := conn.Exec(ctx, "create database "+name); err != nil {
		tb.Fatal(err)
	}
	return s.url(name, s.port)
}

// Pool makes an empty database and returns a pool of connections to it, which is closed when the test ends.
func (s *Server) Pool(tb testing.TB) *pgxpool.Pool {
	tb.Helper()
	return Connect(tb, s.Database(tb))
}

// Connect returns a pool of connections, which is closed when the test ends.
func Connect(tb testing.TB, url string) *pgxpool.Pool {
	tb.Helper()
	pool, err := pgxpool.New(context.Background(), url)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(pool.Close)
	return pool
}
