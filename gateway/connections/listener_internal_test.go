package connections

import (
	"net"
	"testing"
	"testing/synctest"
	"time"
)

// pipes is a listener whose connections a test makes.
type pipes struct {
	net.Listener

	accepted chan net.Conn
}

func (p pipes) Accept() (net.Conn, error) { return <-p.accepted, nil }

// connect makes a connection and returns the client's end.
func (p pipes) connect() net.Conn {
	client, server := net.Pipe()
	p.accepted <- server
	return client
}

// read reads in the background as a server does, and returns what says that the connection is closed.
func read(conn net.Conn) (closed chan struct{}) {
	closed = make(chan struct{})
	go func() {
		defer close(closed)
		_, _ = conn.Read(make([]byte, 1))
	}()
	return closed
}

func isClosed(closed chan struct{}) bool {
	select {
	case <-closed:
		return true
	default:
		return false
	}
}

func TestHeaderThatBeganFirstGivesWayAndNotTheConnectionThatDid(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		from := pipes{accepted: make(chan net.Conn, 2)}
		l := New(from, Limits{Connections: 2, Headers: 10}, nil)
		early, late := from.connect(), from.connect()
		first, _ := l.Accept()
		second, _ := l.Accept()
		for _, conn := range []net.Conn{first, second} {
			go func() {
				for {
					if _, err := conn.Read(make([]byte, 100)); err != nil {
						return
					}
				}
			}()
			time.Sleep(time.Millisecond)
		}
		_, _ = late.Write(make([]byte, 10))
		time.Sleep(time.Millisecond)
		_, _ = early.Write(make([]byte, 5)) // It waits longer, and its header has only begun.
		synctest.Wait()
		if _, err := late.Write([]byte{0}); err == nil {
			t.Error("the header that began first is still there")
		}
		if _, err := early.Write([]byte{0}); err != nil {
			t.Error("the header that began last was closed")
		}
		_ = first.Close()
	})
}

func TestNoConnectionIsClosedBeforeItCouldSend(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		from := pipes{accepted: make(chan net.Conn, 3)}
		l := New(from, Limits{Connections: 2, Headers: 1 << 20}, func() bool { return false })
		for range 3 {
			defer from.connect().Close()
		}
		first, _ := l.Accept()
		second, _ := l.Accept()
		third := make(chan net.Conn)
		go func() {
			conn, _ := l.Accept()
			third <- conn
		}()
		time.Sleep(time.Minute) // Nobody has read: the server is slow, not the clients.
		if open := len(l.open); open != 2 {
			t.Fatalf("%d connections are open before anybody has read", open)
		}
		firstClosed := read(first)
		time.Sleep(waitingGrace / 2)
		secondClosed := read(second)
		time.Sleep(waitingGrace/2 - time.Millisecond)
		if isClosed(firstClosed) || isClosed(secondClosed) {
			t.Fatal("a connection was closed before its time")
		}
		defer (<-third).Close()
		synctest.Wait()
		if !isClosed(firstClosed) || isClosed(secondClosed) {
			t.Error("not the one that waited longest gave way")
		}
		_ = second.Close()
		<-secondClosed
	})
}
