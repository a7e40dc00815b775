package cli

import (
	"context"
	"errors"
	"slices"
	"time"

	"sluice.internal/shared/service"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/admin"
	"sluice.internal/sluice/cli/term"
)

// statusCommand is `sluice status`: what is stored, what is not processed, how fast that changes, and what needs a person.
// It is for people and for monitoring, so it fails when something needs a person and says what to do.
type statusCommand struct {
	Interval time.Duration `default:"1s" placeholder:"TIME" help:"Time between the two looks that rates need (${default}); 0 for one look."`
	Watch    bool          `help:"Look again after each interval, until interrupted."`
	Waiting  bool          `help:"List the oldest that is not processed, instead."`
	Limit    int           `default:"20" placeholder:"N" help:"With --waiting: the N oldest (${default})."`
	Since    moment        `default:"1h" placeholder:"TIME" help:"Complain of dead letters since: a time, or how long ago (${default})."`
	Late     time.Duration `default:"10m" placeholder:"TIME" help:"Complain of what waits for longer (${default})."`
	JSON     bool          `name:"json" help:"Print one JSON object a line."`
	connectFlags
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
	where, err := c.location(s)
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
	if err := c.print(s, found); err != nil && !term.IsClosed(err) {
		return err
	}
	return errors.Join(found.problems()...)
}

// print writes the state in the form that was asked for.
func (c *statusCommand) print(s *session, found *state) error {
	if c.JSON {
		return found.objects(s.out)
	}
	return found.table(s.out)
}

// clearScreen makes a terminal begin anew at its top.
const clearScreen = "\x1b[H\x1b[2J"

// watch prints the state again and again until the context ends, which is no failure.
func (c *statusCommand) watch(ctx context.Context, s *session, streams *admin.Client, where location) error {
	var before *admin.Status
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
		_ = s.out.Line("%s%s", begin, term.Time(found.At)) // An error of a line comes again with the next.
	}
	if err := c.print(s, found); err != nil {
		return err
	}
	for _, problem := range found.problems() {
		s.diagnostics.Error("%v", problem)
	}
	return nil
}

// examine reads the state, and where it has no earlier reading to compute rates from, takes one an interval before.
func (c *statusCommand) examine(ctx context.Context, streams *admin.Client, where location, before *admin.Status) (*state, error) {
	if c.Interval > 0 {
		if before == nil {
			// Without it there are no rates. What is wrong shows in the reading that follows.
			if first, err := streams.Status(ctx); err == nil {
				before = &first
			}
		}
		if err := service.Sleep(ctx, c.Interval); err != nil {
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
	if hasMessages(status, stream.States) {
		if found.polled, err = streams.PollStates(ctx); err != nil {
			return nil, err
		}
	}
	if found.bots, err = streams.Bots(ctx); err != nil {
		return nil, err
	}
	if where.gateway != "" {
		found.gateway = probe(ctx, where.gateway)
	}
	return found, nil
}

// hasMessages reports whether a stream holds anything.
func hasMessages(status admin.Status, name string) bool {
	return slices.ContainsFunc(status.Streams, func(usage admin.Usage) bool { return usage.Name == name && usage.Messages > 0 })
}

// state is everything that a status reports.
type state struct {
	admin.Status

	// before is the reading an interval earlier that rates are computed from, nil when there is none.
	before *admin.Status
	// dead counts the dead letters since the time since.
	dead  uint64
	since time.Time
	// late is the age from which a backlog is a problem.
	late time.Duration
	// polled are the instances that pollers have said something about.
	polled []stream.PollState
	// bots are those of the receive API, with their instances.
	bots []admin.Bot
	// gateway is nil when nobody said where the gateway is.
	gateway *gatewayState
}

const (
	// maxInspections is how often streams and consumers are inspected where something seems to be wrong, and
	// inspectionPause the time in between. A worker asks for nothing between two batches, and a busy replica is behind for
	// a moment, so one inspection proves nothing.
	maxInspections  = 4
	inspectionPause = 400 * time.Millisecond
)

// inspect reads the state of streams and consumers, again where something seems to be wrong.
func inspect(ctx context.Context, streams *admin.Client) (admin.Status, error) {
	for attempt := 1; ; attempt++ {
		status, err := streams.Inspect(ctx)
		if err != nil {
			return admin.Status{}, err
		}
		found := state{Status: status}
		if attempt == maxInspections || len(found.idleProblems()) == 0 && len(found.replicaProblems()) == 0 {
			return status, nil
		}
		if err := service.Sleep(ctx, inspectionPause); err != nil {
			return admin.Status{}, err
		}
	}
}
