package stream

import (
	"context"
	"sync/atomic"

	"github.com/nats-io/nats.go"
)

// disconnects tells who waits for an answer of the server that the connection fell: the answer does not come any more,
// and the client of NATS would wait for it until its time is over.
type disconnects struct {
	current atomic.Pointer[connected]
}

// connected is the time between two falls of the connection.
type connected struct {
	ctx context.Context //nolint:containedctx // Its end is the connection's fall, not a call's.
	end context.CancelFunc
}

func newConnected() *connected {
	ctx, end := context.WithCancel(context.Background())
	return &connected{ctx, end}
}

// watch returns the disconnects of a connection. It ends with the connection.
func watch(conn *nats.Conn) *disconnects {
	l := &disconnects{}
	l.current.Store(newConnected())
	changes := conn.StatusChanged(nats.RECONNECTING, nats.CLOSED)
	go func() {
		for status := range changes {
			l.current.Swap(newConnected()).end()
			if status == nats.CLOSED {
				l.current.Load().end()
				return
			}
		}
	}()
	return l
}

// UntilDisconnect calls with a context that also ends when the connection falls. The error is nats.ErrDisconnected then.
func UntilDisconnect[T any](ctx context.Context, c *Client, call func(context.Context) (T, error)) (T, error) {
	bounded, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	current := c.disconnects.current.Load()
	defer context.AfterFunc(current.ctx, cancel)() //nolint:contextcheck // The connection's fall is no caller's.
	result, err := call(bounded)
	if err != nil && current.ctx.Err() != nil && ctx.Err() == nil {
		err = nats.ErrDisconnected
	}
	return result, err
}

// Connected returns a context that ends when the connection falls.
func (s *Client) Connected() context.Context { return s.disconnects.current.Load().ctx }
