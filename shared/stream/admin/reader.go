package admin

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/shared/stream"
)

// reader is one way through a stream: from where to where, and what of it. Its consumer is a short-lived one that
// acknowledges nothing, so reading takes nothing from anybody and holds up no trimming.
type reader struct {
	streams         *Client
	stream, subject string
	query           Query
	// last is the newest sequence when reading began. Without Follow what comes later is left out, so that a listing ends
	// also while messages come faster than they are read.
	last uint64
}

// bounds returns the first and the last sequence that the query may see. In an empty stream first is behind last.
func (r *reader) bounds(ctx context.Context) (first, last uint64, err error) {
	opened, err := stream.RetryUntilLeader(ctx, r.streams.core, func(ctx context.Context) (jetstream.Stream, error) {
		return r.streams.js.Stream(ctx, r.stream)
	})
	if err != nil {
		return 0, 0, fmt.Errorf("open stream %s: %w", r.stream, err)
	}
	state := opened.CachedInfo().State
	first = max(state.FirstSeq, r.query.From, 1)
	if r.query.New {
		first = max(first, state.LastSeq+1)
	}
	return first, state.LastSeq, nil
}

// each calls visit with the messages from a sequence on until it returns false. Sequence 0 visits none. Without
// follow it ends behind what was there when it began.
//
// A request for messages can vanish in the server, as it does while a stream gets more replicas, and a server whose copy
// is behind ends too early. So it begins again behind what was read for as long as there is more.
func (r *reader) each(ctx context.Context, start uint64, follow bool, visit func(*message) bool) error {
	if start == 0 {
		return nil
	}
	p := &passage{reader: r, next: start, follow: follow, visit: visit}
	for silent := 0; silent < maxSilent; silent++ {
		from := p.next
		ended, err := p.run(ctx)
		if err == nil && !ended && !follow {
			ended, err = p.atEnd(ctx)
		}
		if err != nil {
			return fmt.Errorf("read stream %s: %w", r.stream, err)
		}
		if ended {
			return nil
		}
		if p.next > from {
			silent = -1
		}
	}
	return fmt.Errorf("read stream %s: %w: it has messages from %d on and sends none", r.stream, stream.ErrUnavailable, p.next)
}
