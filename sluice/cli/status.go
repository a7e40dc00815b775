package cli

import (
	"context"
	"errors"
	"time"

	"sluice.internal/shared/stream"
)

type statusCommand struct {
	JSON bool `name:"json" help:"Print one JSON object a line."`
	reach
}

func (statusCommand) Help() string {
	return `The exit code is 1 when something needs a person, and standard error says what.

Example:

    sluice status --nats nats://nats.internal:4222`
}

// Run prints the state of everything and fails when something needs a person.
func (c *statusCommand) Run(ctx context.Context, s *session) error {
	where, err := c.place(s)
	if err != nil {
		return err
	}
	streams, disconnect, err := where.open(ctx, s)
	if err != nil {
		return err
	}
	defer disconnect()
	found, err := examine(ctx, streams)
	if err != nil {
		return err
	}
	if where.gateway != "" {
		found.gateway = probe(ctx, where.gateway)
	}
	report := found.table
	if c.JSON {
		report = found.objects
	}
	// The exit code says how things are, whoever reads the rest.
	if err := report(s.out); err != nil && !isClosed(err) {
		return err
	}
	return errors.Join(found.complaints()...)
}

// state is everything that status knows.
type state struct {
	stream.Status

	gateway *gatewayState // nil when it is not known where the gateway is
}

const (
	// looks and pause are how often and how fast a backlog without a worker is looked at again: between two
	// batches a worker asks for nothing.
	looks = 4
	pause = 400 * time.Millisecond
)

// examine reads the state of streams and consumers.
func examine(ctx context.Context, streams *stream.Streams) (*state, error) {
	for look := 1; ; look++ {
		status, err := streams.Status(ctx)
		if err != nil {
			return nil, err
		}
		result := &state{Status: status}
		if look == looks || len(result.idle()) == 0 {
			return result, nil
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}
