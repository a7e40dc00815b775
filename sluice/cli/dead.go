package cli

import (
	"context"
	"strconv"
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
)

type deadCommand struct {
	Ls    deadListCommand  `cmd:"" default:"withargs" help:"List dead letters; what \"sluice dead\" does by itself."`
	Show  deadShowCommand  `cmd:"" help:"Show all that is known of dead letters."`
	Retry deadRetryCommand `cmd:"" help:"Send dead letters through again."`
	Drop  deadDropCommand  `cmd:"" help:"Give dead letters up for good."`
}

func (deadCommand) Help() string {
	return `A dead letter is a notification that is invalid, or an event that its handler refused or failed at for a ` +
		`day. It is kept until it is sent through again or given up. "sluice dead" has the flags of "sluice dead ls".

Example:

    sluice dead --reason invalid --since 24h`
}

type deadListCommand struct {
	deadFilter
	window
	reach
}

func (deadListCommand) Help() string {
	return `The oldest come first. --json has the bodies, the tries and every fault of an invalid one.

Example:

    sluice dead ls --reason invalid --since 24h --json`
}

// Run lists dead letters.
func (c *deadListCommand) Run(ctx context.Context, s *session) error {
	return c.look(ctx, s, func(streams *stream.Streams) error {
		query := c.query()
		query.Since, query.Limit, query.Follow = c.Since.at, c.Limit, c.Follow
		return deadLetters().print(ctx, s, c.window, streams.DeadLetters(ctx, query))
	})
}

// deadFilter says which dead letters are meant.
type deadFilter struct {
	Reason   string `placeholder:"REASON" help:"Only those with this reason: invalid, refused or exhausted."`
	Type     string `placeholder:"TYPE" help:"Only those of this type."`
	Source   string `placeholder:"NAME" help:"Only those of this source."`
	Instance string `placeholder:"ID" help:"Only those of this instance."`
	Group    string `placeholder:"NAME" help:"Only those that this group gave up."`
	Failure  string `name:"error" placeholder:"TEXT" help:"Only those with this text in their error."`
	Until    moment `placeholder:"TIME" help:"Only what was stored until then, as --since."`
}

func (f deadFilter) query() stream.Query {
	return stream.Query{
		Reason: f.Reason, Type: f.Type, Source: f.Source, Instance: f.Instance, Group: f.Group, Error: f.Failure,
		Until: f.Until.at,
	}
}

func deadLetters() *listing[notification.DeadLetter] {
	return &listing[notification.DeadLetter]{
		none: "No dead letters.",
		columns: []column{
			{name: "DIED", least: len(time.DateTime)},
			{name: "SEQUENCE", right: true},
			{name: "SOURCE", least: len("green-api")},
			{name: "TYPE", least: len("outgoingAPIMessageReceived")},
			{name: "INSTANCE", least: len("1101000001")},
			{name: "REASON", least: len(notification.ReasonExhausted)},
			{name: "GROUP", least: len("default")},
			{name: "TRIES", right: true},
			{name: "ERROR"},
		},
		row: func(letter *notification.DeadLetter) []string {
			return []string{
				when(letter.DiedAt), strconv.FormatUint(letter.DeadSequence, 10), letter.Source, letter.Type,
				letter.Instance, letter.Reason, letter.Group, strconv.Itoa(letter.Attempt), letter.Error,
			}
		},
		document: func(letter *notification.DeadLetter) any { return newDeadDocument(letter) },
	}
}
