package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"sluice.internal/shared/service"
	"sluice.internal/shared/stream"
)

type statusCommand struct {
	Interval time.Duration `default:"1s" placeholder:"TIME" help:"Time between the two looks that rates need (${default}); 0 for one look."`
	Watch    bool          `help:"Look again after each interval, until interrupted."`
	Waiting  bool          `help:"List the oldest that is not processed, instead."`
	Limit    int           `default:"20" placeholder:"N" help:"With --waiting: the N oldest (${default})."`
	Since    moment        `default:"1h" placeholder:"TIME" help:"Complain of dead letters since: a time, or how long ago (${default})."`
	Late     time.Duration `default:"10m" placeholder:"TIME" help:"Complain of what waits for longer (${default})."`
	JSON     bool          `name:"json" help:"Print one JSON object a line."`
	reach
}

func (statusCommand) Help() string {
	return `The exit code is 1 when something needs a person, and standard error says what. ` +
		`PARKED events failed and wait for the time of their next attempt; those that are DUE wait for a worker. ` +
		`EMPTY IN tells how long a backlog lasts at the rates of now.

Example:

    sluice status --nats nats://nats.internal:4222
    sluice status --waiting --limit 5`
}

// Validate refuses what can't be meant.
func (c *statusCommand) Validate() error {
	switch {
	case c.Interval < 0 || c.Late <= 0:
		return errors.New("--interval must not be negative, and --late must be more than 0")
	case c.Watch && c.Interval == 0:
		return errors.New("--watch needs an --interval of more than 0")
	case c.Watch && c.Waiting:
		return errors.New("--watch and --waiting can't be used together")
	case c.Limit <= 0:
		return errors.New("--limit must be more than 0")
	}
	return nil
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
	switch {
	case c.Waiting:
		return printUnprocessed(ctx, s, streams, c.Limit, c.JSON)
	case c.Watch:
		return c.watch(ctx, s, streams, where)
	}
	found, err := c.examine(ctx, streams, where, nil)
	if err != nil {
		return err
	}
	// The exit code says how things are, whoever reads the rest.
	if err := c.print(s, found); err != nil && !isClosed(err) {
		return err
	}
	return errors.Join(found.complaints()...)
}

func (c *statusCommand) print(s *session, found *state) error {
	if c.JSON {
		return found.objects(s.out)
	}
	return found.table(s.out)
}

// clearScreen makes a terminal begin anew at its top.
const clearScreen = "\x1b[H\x1b[2J"

// watch prints the state again and again until the context ends, which is no failure.
func (c *statusCommand) watch(ctx context.Context, s *session, streams *stream.Streams, where place) error {
	var before *stream.Status
	for ctx.Err() == nil {
		found, err := c.examine(ctx, streams, where, before)
		if err == nil {
			before = &found.Status
			err = c.refresh(s, found)
		}
		if err != nil && ctx.Err() == nil {
			return err
		}
	}
	return nil
}

// refresh prints one state of many.
func (c *statusCommand) refresh(s *session, found *state) error {
	if !c.JSON {
		begin := ""
		if service.IsTerminal(s.Stdout) {
			begin = clearScreen
		}
		_ = s.out.line("%s%s", begin, when(found.At)) // An error of a line comes again with the next.
	}
	if err := c.print(s, found); err != nil {
		return err
	}
	for _, complaint := range found.complaints() {
		s.complain("%v", complaint)
	}
	return nil
}

// examine takes a look and, where there was none before, another one an interval earlier.
func (c *statusCommand) examine(ctx context.Context, streams *stream.Streams, where place, before *stream.Status) (*state, error) {
	if c.Interval > 0 {
		if before == nil {
			// Without it there are no rates; what is wrong is found out by the next look.
			if first, err := streams.Status(ctx); err == nil {
				before = &first
			}
		}
		if err := sleep(ctx, c.Interval); err != nil {
			return nil, err
		}
	}
	status, err := inspect(ctx, streams)
	if err != nil {
		return nil, err
	}
	found := &state{Status: status, before: before, since: c.Since.at, late: c.Late}
	if hasMessages(status, stream.DeadLetters) {
		if found.dead, err = streams.DeadSince(ctx, c.Since.at); err != nil {
			return nil, err
		}
	}
	if where.gateway != "" {
		found.gateway = probe(ctx, where.gateway)
	}
	return found, nil
}

func hasMessages(status stream.Status, name string) bool {
	return slices.ContainsFunc(status.Streams, func(usage stream.Usage) bool { return usage.Name == name && usage.Messages > 0 })
}

// state is everything that status knows.
type state struct {
	stream.Status

	before  *stream.Status // an earlier look, nil when there was none
	dead    uint64         // letters since then
	since   time.Time
	late    time.Duration
	gateway *gatewayState // nil when it is not known where the gateway is
}

const (
	// looks and pause are how often and how fast it is looked again where something seems to be wrong: between two
	// batches a worker asks for nothing, and a busy replica is behind for a moment.
	looks = 4
	pause = 400 * time.Millisecond
)

// inspect reads the state of streams and consumers.
func inspect(ctx context.Context, streams *stream.Streams) (stream.Status, error) {
	for look := 1; ; look++ {
		status, err := streams.Inspect(ctx)
		if err != nil {
			return stream.Status{}, err
		}
		found := state{Status: status}
		if look == looks || len(found.idle()) == 0 && len(found.troubles()) == 0 {
			return status, nil
		}
		if err := sleep(ctx, pause); err != nil {
			return stream.Status{}, err
		}
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait: %w", context.Cause(ctx))
	}
}
