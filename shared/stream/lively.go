package stream

import (
	"context"
	"errors"
	"net"
	"os"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
)

const (
	// silence is how long a server may say nothing before it is left for another one, well within the time that a publisher
	// tries. It is asked for a sign of life several times in that time, see pingInterval.
	silence = 8 * time.Second
	// lastLook is the last part of that time.
	lastLook = time.Second
	// dialTimeout bounds the opening of a connection to one of a name's addresses: the second attempt of TCP, after a second,
	// may still succeed.
	dialTimeout = 2 * time.Second
	// noPingLimit leaves it to silence whether a server is gone.
	noPingLimit = 1 << 30
)

// livelyDialer opens connections whose server is taken for gone when it says nothing, and not when it does not answer a
// ping. The client of NATS counts pings alone: their answers come behind what is on its way already, so that a message that
// takes longer than a few pings would end its connection, come again over the next one, and end that.
type livelyDialer struct{}

// Dial opens a connection. The client of NATS resolves names itself and tries their addresses in a random order.
func (livelyDialer) Dial(network, address string) (net.Conn, error) {
	dialer := net.Dialer{Timeout: dialTimeout}
	conn, err := dialer.DialContext(context.Background(), network, address)
	if err != nil {
		return nil, err
	}
	return &lively{Conn: conn}, nil
}

// lively is a connection that ends with nats.ErrStaleConnection when nothing comes for the time of silence. Whoever sets a
// deadline of its own, as the client does while it logs in, has that instead.
type lively struct {
	net.Conn

	// bounded says that somebody set a deadline.
	bounded atomic.Bool
}

// Read reads what comes, with the whole time of silence for it each time.
//
// After that time it looks once more: a process that stood still itself finds what came meanwhile.
func (l *lively) Read(p []byte) (int, error) {
	for _, wait := range []time.Duration{silence - lastLook, lastLook} {
		if err := l.expect(wait); err != nil {
			return 0, err
		}
		n, err := l.Conn.Read(p)
		if n > 0 || l.bounded.Load() || !errors.Is(err, os.ErrDeadlineExceeded) {
			return n, err
		}
	}
	return 0, nats.ErrStaleConnection
}

// expect gives the server so much time to say something, unless somebody set a deadline.
func (l *lively) expect(wait time.Duration) error {
	if l.bounded.Load() {
		return nil
	}
	return l.Conn.SetReadDeadline(time.Now().Add(wait))
}

// SetDeadline sets a deadline for reading and writing. The zero time ends it, also for who reads already: the client begins
// to read before it has ended the deadline for logging in.
func (l *lively) SetDeadline(at time.Time) error {
	l.bounded.Store(!at.IsZero())
	return errors.Join(l.Conn.SetDeadline(at), l.expect(silence))
}

// SetReadDeadline sets a deadline for reading; the zero time ends it.
func (l *lively) SetReadDeadline(at time.Time) error {
	l.bounded.Store(!at.IsZero())
	return errors.Join(l.Conn.SetReadDeadline(at), l.expect(silence))
}
