package stream

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"sluice.internal/shared/stream/internal/wire"
)

// ErrHeld says that another process holds a lease.
var ErrHeld = errors.New("another process holds the lease")

// releasedFor is how long a lease that was given up keeps others out: the shortest time that the server knows.
const releasedFor = time.Second

// Lease is the right to do what only one process at a time should do. It ends by itself when its holder does not renew it,
// by the server's clock: the server takes the message away that is the lease. So a process that holds leases reads nothing.
//
// A holder that was frozen may go on for a moment when the lease is another's already. A lease is for what does no harm
// then. It is not safe for concurrent use.
type Lease struct {
	client  *Client
	subject string
	holder  string
	lasts   time.Duration
	// sequence is that of the message that is the lease, 0 when this process has none.
	sequence uint64
	// pending is a message of which it is not known whether it was stored. It is sent again with the same id, so that a
	// lost answer does not keep this process out of its own lease.
	pending *nats.Msg
}

// PollLease returns the lease to poll an instance of a source, not held yet. The holder is for people.
func (s *Client) PollLease(source, instance, holder string, lasts time.Duration) *Lease {
	return &Lease{client: s, subject: wire.PollLeaseSubject(source, instance), holder: holder, lasts: lasts}
}

// Hold takes the lease, or makes it last from now on where it is held already. It returns ErrHeld when it is another's;
// after any other error it is not known whose it is.
func (l *Lease) Hold(ctx context.Context) error {
	if l.pending == nil {
		l.pending = wire.LeaseMessage(l.subject, l.holder, rand.Text(), l.sequence, l.lasts)
	}
	ack, err := l.client.Store(ctx, l.pending)
	if errors.Is(err, ErrUnknown) {
		return fmt.Errorf("hold lease %q: %w", l.subject, err)
	}
	l.pending = nil
	switch {
	case err == nil:
		l.sequence = ack.Sequence
		return nil
	case IsOvertaken(err) && l.sequence > 0:
		l.sequence = 0
		return l.Hold(ctx) // One that only ended is free.
	case IsOvertaken(err):
		return ErrHeld
	default:
		return fmt.Errorf("hold lease %q: %w", l.subject, err)
	}
}

// Release gives the lease up, so that another process need not wait for its end.
func (l *Lease) Release(ctx context.Context) error {
	if l.sequence == 0 {
		return nil
	}
	message := wire.LeaseMessage(l.subject, l.holder, rand.Text(), l.sequence, releasedFor)
	l.sequence, l.pending = 0, nil
	if _, err := l.client.publishOnce(ctx, message); err != nil && !IsOvertaken(err) {
		return fmt.Errorf("release lease %q: %w", l.subject, err)
	}
	return nil
}
