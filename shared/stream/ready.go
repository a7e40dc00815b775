package stream

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/shared/stream/internal/wire"
)

const (
	// probeValid is how long the result of a probe counts for everybody: asking often must not cause writes.
	probeValid = time.Second
	// probeTimeout is how long a probe may take. It is the same for all who ask.
	probeTimeout = 2 * time.Second
)

// Ready returns nil when messages can be stored, else the reason why not. It stores a message to find out: a server
// that is cut off from the others of its cluster still takes connections and calls itself healthy.
//
// One probe at a time serves all callers. It has a timeout of its own, so that a caller who gives up learns nothing
// and changes nothing for the next one: it gets the cause of its context's end.
func (s *Client) Ready(ctx context.Context) error {
	_, err := s.readiness.do(ctx, func(ctx context.Context) (struct{}, error) { return struct{}{}, s.probe(ctx) })
	return err
}

func (s *Client) probe(ctx context.Context) error {
	if !s.js.Conn().IsConnected() {
		return fmt.Errorf("%w: %w", ErrUnavailable, nats.ErrDisconnected)
	}
	if _, err := s.js.Publish(ctx, "probe."+wire.Token(s.js.Conn().Opts.Name), nil, jetstream.WithRetryAttempts(0)); err != nil {
		return fmt.Errorf("store a probe: %w", Classify(err))
	}
	if _, err := s.js.Stream(ctx, Notifications); err != nil {
		return fmt.Errorf("reach stream %s: %w", Notifications, err)
	}
	return nil
}
