//go:build e2e

package e2e_test

import (
	"net"
	"sync"
	"testing"
)

// line is a way from clients to a server that can be cut. What is sent meanwhile arrives when it is whole again, however late,
// unless its connections were ended before.
type line struct {
	listener net.Listener
	target   string

	mutex sync.Mutex
	whole chan struct{} // closed while what is sent goes through
	ends  map[net.Conn]bool
}

// newLine opens a way to a server. It ends with the test.
func newLine(t *testing.T, target string) *line {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &line{listener: listener, target: target, whole: make(chan struct{}), ends: map[net.Conn]bool{}}
	close(l.whole)
	go l.serve()
	t.Cleanup(func() {
		_ = listener.Close()
		l.mend()
		l.reset()
	})
	return l
}

func (l *line) address() string { return l.listener.Addr().String() }

func (l *line) serve() {
	for {
		near, err := l.listener.Accept()
		if err != nil {
			return // The test ends.
		}
		far, err := net.Dial("tcp", l.target)
		if err != nil { // The server is down.
			_ = near.Close()
			continue
		}
		l.mutex.Lock()
		l.ends[near], l.ends[far] = true, true
		l.mutex.Unlock()
		go l.pass(near, far)
		go l.pass(far, near)
	}
}

// pass passes on what comes from one end, until either ends.
func (l *line) pass(from, to net.Conn) {
	defer func() {
		_ = from.Close()
		_ = to.Close()
		l.mutex.Lock()
		defer l.mutex.Unlock()
		delete(l.ends, from)
	}()
	for buffer := make([]byte, 32<<10); ; {
		n, err := from.Read(buffer)
		l.mutex.Lock()
		whole := l.whole
		l.mutex.Unlock()
		<-whole
		if n > 0 {
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// cut lets nothing through from now on. Nobody is told.
func (l *line) cut() {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.whole = make(chan struct{})
}

// mend lets through what was sent since cut, and all that comes.
func (l *line) mend() {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	select {
	case <-l.whole:
	default:
		close(l.whole)
	}
}

// reset ends all connections.
func (l *line) reset() {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	for end := range l.ends {
		_ = end.Close()
	}
}
