// Package connections bounds how many connections a server has and how much of their headers is under way, and decides whose
// goes first.
//
// listener.go is all of it; open_files_unix.go and open_files_other.go tell how many there may be.
package connections

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// The states of a connection.
const (
	accepted int32 = iota // and nobody has read from it yet, which is not its client's fault
	waiting               // for a request, or for the rest of its header
	serving
)

// Limits are what there may be at a time.
type Limits struct {
	// Connections is how many there may be.
	Connections int
	// Headers is how many bytes of headers may be under way.
	Headers int64
}

// Listener bounds how many connections there are and how much of headers is under way:
// where there are too many, somebody who is connected gives way, and not the next one who comes. First that is whoever
// waits for a while without having ever sent anything that was right, the longest first; then the request whose body comes
// slowest, if it comes slowly; and then a known sender who waits. Nobody gives way before having had a while to send: where
// all are new, the next one waits, which bounds how fast connections can be made and not who gets one.
type Listener struct {
	net.Listener

	limits  Limits
	pending atomic.Int64 // bytes of headers under way
	// displace ends the request whose body comes slowest, and reports whether one came slowly.
	displace func() bool

	mutex  sync.Mutex
	open   map[*connection]struct{}
	closed bool
	// left is closed when a connection is, or the listener.
	left chan struct{}
}

// New bounds a listener. Displace ends the request whose body comes slowest, and reports whether one came slowly. The server
// has to have ConnState and ConnContext.
func New(listener net.Listener, limits Limits, displace func() bool) *Listener {
	return &Listener{
		Listener: listener, limits: limits, displace: displace,
		open: map[*connection]struct{}{}, left: make(chan struct{}),
	}
}

// Accept waits for a connection, and then for room for it.
func (l *Listener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	one := &connection{Conn: conn, listener: l}
	for {
		left, err := l.add(one)
		if err != nil {
			return nil, errors.Join(err, conn.Close())
		}
		if left == nil {
			return one, nil
		}
		l.makeRoom(left)
	}
}

// add adds a connection. Where there is no room it returns what is closed when another one leaves.
func (l *Listener) add(one *connection) (left chan struct{}, err error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	switch {
	case l.closed:
		return nil, net.ErrClosed
	case len(l.open) >= l.limits.Connections:
		return l.left, nil
	}
	l.open[one] = struct{}{}
	return nil, nil //nolint:nilnil // There is room and nothing to wait for.
}

// Full reports whether another connection would have to wait.
func (l *Listener) Full() bool {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return len(l.open) >= l.limits.Connections
}

// makeRoom closes a connection or ends a request, and returns when it may have helped.
func (l *Listener) makeRoom(left chan struct{}) {
	victim := l.longestWaiting(func(one *connection) int64 { return one.since.Load() })
	stranger := victim != nil && !victim.known.Load()
	pause := displaceInterval
	if stranger {
		pause = min(pause, waitingGrace-victim.waited())
	}
	overdue := stranger && pause <= 0
	if overdue || !l.displace() && victim != nil && !stranger {
		_ = victim.Close() // It is gone either way.
		return
	}
	// What is left is new, or is being stored and answered within its time.
	select {
	case <-left:
	case <-time.After(pause):
	}
}

const (
	// waitingGrace is how long a connection may take to send its first request before it gives way to others. TLS takes
	// three round trips until then.
	waitingGrace = time.Second
	// displaceInterval is how often another request gives way while none leaves.
	displaceInterval = 50 * time.Millisecond
)

// longestWaiting returns the connection that has waited longest, strangers first; nil when none waits. The function returns
// since when one has waited, 0 when it does not.
func (l *Listener) longestWaiting(since func(*connection) int64) (victim *connection) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	var first int64
	for one := range l.open {
		began := since(one)
		if began == 0 || one.state.Load() != waiting {
			continue
		}
		known := one.known.Load()
		if victim == nil || known == victim.known.Load() && began < first || !known && victim.known.Load() {
			victim, first = one, began
		}
	}
	return victim
}

// Close also ends an Accept that waits for room.
func (l *Listener) Close() error {
	l.mutex.Lock()
	l.closed = true
	l.wake()
	l.mutex.Unlock()
	return l.Listener.Close()
}

// remove forgets a connection that is closed.
func (l *Listener) remove(one *connection) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if _, found := l.open[one]; found {
		delete(l.open, one)
		l.wake()
	}
}

// wake wakes who waits for room. The mutex is held.
func (l *Listener) wake() {
	close(l.left)
	l.left = make(chan struct{})
}

// Usage is how many connections there are, and how many bytes of headers are under way.
func (l *Listener) Usage() Limits {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return Limits{Connections: len(l.open), Headers: l.pending.Load()}
}

// Limits are what there may be.
func (l *Listener) Limits() Limits { return l.limits }

// ConnState is told by the server when a request's header is here, and when it is answered.
func (l *Listener) ConnState(conn net.Conn, state http.ConnState) {
	one := connectionOf(conn)
	if one == nil {
		return
	}
	switch state {
	case http.StateActive:
		one.state.Store(serving)
		one.header.Store(one.settle())
	case http.StateIdle:
		one.settle()
		one.since.Store(time.Now().UnixNano())
		one.state.Store(waiting)
	case http.StateNew, http.StateClosed, http.StateHijacked:
	}
}

// A connection knows what it waits for. Its fields may be read by any goroutine.
type connection struct {
	net.Conn

	listener *Listener
	state    atomic.Int32
	// since is when it began to wait, in nanoseconds since 1970.
	since atomic.Int64
	// known says that an authenticated request came over it.
	known atomic.Bool
	// pending is how many bytes came that belong to a header, and header how many the present one had.
	pending, header atomic.Int64
	// headerSince is when the first of the pending bytes came, 0 when there are none.
	headerSince atomic.Int64
	closed      atomic.Bool
}

// waited returns for how long the connection has waited.
func (c *connection) waited() time.Duration { return time.Since(time.Unix(0, c.since.Load())) }

// Read counts what comes before a request is served. Where all of it is too much, the connection closes whose header has
// taken longest.
func (c *connection) Read(p []byte) (int, error) {
	if c.state.Load() == accepted {
		c.since.Store(time.Now().UnixNano())
		c.state.CompareAndSwap(accepted, waiting)
	}
	n, err := c.Conn.Read(p)
	if n > 0 && c.state.Load() == waiting {
		c.headerSince.CompareAndSwap(0, time.Now().UnixNano())
		c.pending.Add(int64(n))
		c.listener.pending.Add(int64(n))
		if c.closed.Load() {
			c.settle() // It was closed meanwhile, and nobody else will.
		}
		c.listener.boundHeaders()
	}
	return n, err
}

// boundHeaders closes connections until no more of headers is under way than may be.
func (l *Listener) boundHeaders() {
	for l.pending.Load() > l.limits.Headers {
		victim := l.longestWaiting(func(one *connection) int64 { return one.headerSince.Load() })
		if victim == nil {
			return // What is too much came over a connection that is about to close.
		}
		_ = victim.Close() // It is gone either way.
	}
}

// settle ends the count of a header and returns its size.
func (c *connection) settle() int64 {
	c.headerSince.Store(0)
	size := c.pending.Swap(0)
	c.listener.pending.Add(-size)
	return size
}

// Close closes the connection and makes room for another one.
func (c *connection) Close() error {
	if !c.closed.Swap(true) {
		c.settle()
		c.listener.remove(c)
	}
	return c.Conn.Close()
}

// CloseWrite lets the server end a connection in a way that the client can still read the answer.
func (c *connection) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// connectionOf returns the connection below TLS, nil when it is none of ours.
func connectionOf(conn net.Conn) *connection {
	if encrypted, ok := conn.(interface{ NetConn() net.Conn }); ok {
		conn = encrypted.NetConn()
	}
	one, _ := conn.(*connection)
	return one
}

type connectionKey struct{}

// ConnContext lets requests know the connection that they came over.
func ConnContext(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, connectionKey{}, connectionOf(conn))
}

// MarkKnown remembers that a request's connection is a sender's, so that it is the last to give way to others.
func MarkKnown(ctx context.Context) {
	if one := connectionFrom(ctx); one != nil && !one.known.Load() {
		one.known.Store(true)
	}
}

// HeaderSize returns how many bytes the header of a request had, 0 when that is not known.
func HeaderSize(ctx context.Context) int64 {
	one := connectionFrom(ctx)
	if one == nil {
		return 0
	}
	return one.header.Load()
}

// connectionFrom returns the connection that a request came over, nil in tests without one.
func connectionFrom(ctx context.Context) *connection {
	one, _ := ctx.Value(connectionKey{}).(*connection)
	return one
}
