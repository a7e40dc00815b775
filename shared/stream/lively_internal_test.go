package stream

import (
	"errors"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats.go"
)

// piped returns a connection and its server's end. Time passes only while both wait.
func piped(t *testing.T) (*lively, net.Conn) {
	t.Helper()
	client, server := net.Pipe()
	t.Cleanup(func() { _, _ = client.Close(), server.Close() })
	return &lively{Conn: client}, server
}

func TestConnectionThatBringsSomethingLives(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client, server := piped(t)
		const pieces = 30
		go func() {
			for range pieces {
				time.Sleep(silence - lastLook/2) // It comes with the last look.
				_, _ = server.Write([]byte("a"))
			}
			_ = server.Close()
		}()
		if came, err := io.ReadAll(client); len(came) != pieces || err != nil {
			t.Errorf("%d pieces came, error %v", len(came), err)
		}
	})
}

func TestSilentConnectionIsStale(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client, server := piped(t)
		go func() { _, _ = server.Write([]byte("a")) }()
		came, err := io.ReadAll(client)
		if string(came) != "a" || !errors.Is(err, nats.ErrStaleConnection) {
			t.Errorf("%q came, error %v", came, err)
		}
	})
}

// The client of NATS begins to read while the deadline for logging in is set, and ends that afterwards.
func TestConnectionIsStaleAlsoWhereReadingBeganUnderADeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client, _ := piped(t)
		ended := make(chan error, 1)
		const login = 5 * time.Second
		_ = client.SetDeadline(time.Now().Add(login))
		go func() {
			_, err := client.Read(make([]byte, 1))
			ended <- err
		}()
		synctest.Wait()
		_ = client.SetDeadline(time.Time{})
		if err := <-ended; !errors.Is(err, nats.ErrStaleConnection) {
			t.Errorf("error %v", err)
		}
	})
}

func TestDeadlineOfTheClientIsKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client, _ := piped(t)
		const login = 3 * silence
		began := time.Now()
		_ = client.SetReadDeadline(began.Add(login))
		if _, err := client.Read(make([]byte, 1)); err == nil || errors.Is(err, nats.ErrStaleConnection) || time.Since(began) != login {
			t.Errorf("after %s error %v", time.Since(began), err)
		}
	})
}
