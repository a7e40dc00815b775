package stream

import (
	"context"
	"sync/atomic"

	"github.com/nats-io/nats.go"
)

// link tells who waits for an answer of the server that the connection fell: the answer does not come any more,
// and the client of NATS would wait for it until its time is over.
type link struct {
	epoch atomic.Pointer[epoch]
}

// epoch is the time between two falls of the connection.
type epoch struct {
	ctx context.Context //nolint:containedctx // Its end is the connection's fall, not a call's.
	end context.CancelFunc
}

func newEpoch() *epoch {
	ctx, end := context.WithCancel(context.Background())
	return &epoch{ctx, end}
}

// watch makes a link of the connection. It ends with the connection.
func watch(conn *nats.Conn) *link {
	l := &link{}
	l.epoch.Store(newEpoch())
	changes := conn.StatusChanged(nats.RECONNECTING, nats.CLOSED)
	go func() {
		for status := range changes {
			l.epoch.Swap(newEpoch()).end()
			if status == nats.CLOSED {
				l.epoch.Load().end()
				return
			}
		}
	}()
	return l
}

// within calls with a context that also ends when the connection falls. The error is nats.ErrDisconnected then.
func within[T any](ctx context.Context, l *link, call func(context.Context) (T, error)) (T, error) {
	bounded, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	current := l.epoch.Load()
	defer context.AfterFunc(current.ctx, cancel)() //nolint:contextcheck // The connection's fall is no caller's.
	result, err := call(bounded)
	if err != nil && current.ctx.Err() != nil && ctx.Err() == nil {
		err = nats.ErrDisconnected
	}
	return result, err
}
