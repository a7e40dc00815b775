package cli

import (
	"context"
	"strconv"
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream/admin"
	"sluice.internal/sluice/cli/term"
)

// deadCommand is `sluice dead` with all that is done to dead letters.
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

// deadListCommand is `sluice dead ls`.
type deadListCommand struct {
	deadLetterFilter
	listingFlags
	connectFlags
}

func (deadListCommand) Help() string {
	return `The oldest come first. --json has the bodies, the tries and every fault of an invalid one.

Example:

    sluice dead ls --reason invalid --since 24h --json`
}

// Run lists dead letters, oldest first. Nothing is removed by reading: what a listing shows, retry and drop find as well.
func (c *deadListCommand) Run(ctx context.Context, s *session) error {
	return c.withStreams(ctx, s, func(streams *admin.Client) error {
		query := c.query()
		query.Since, query.Limit, query.Follow = c.Since.at, c.Limit, c.Follow
		return printListing(ctx, s, deadLetters(), c.form(), streams.DeadLetters(ctx, query))
	})
}

// deadLetterFilter says which dead letters are meant. Its filters narrow each other down; an empty one lets all through.
// It is comparable, so that a command knows whether any filter was given.
type deadLetterFilter struct {
	Reason   string `placeholder:"REASON" help:"Only those with this reason: invalid, refused, exhausted, unstorable or poison."`
	Type     string `placeholder:"TYPE" help:"Only those of this type."`
	Source   string `placeholder:"NAME" help:"Only those of this source."`
	Instance string `placeholder:"ID" help:"Only those of this instance."`
	Group    string `placeholder:"NAME" help:"Only those that this group gave up."`
	// Failure is called --error; a field of that name would be taken for the method of an error.
	Failure string `name:"error" placeholder:"TEXT" help:"Only those with this text in their error."`
	Until   moment `placeholder:"TIME" help:"Only what was stored until then, as --since."`
}

// query leaves the time since when to the caller: listings and selections have a flag of their own for it.
func (f deadLetterFilter) query() admin.Query {
	return admin.Query{
		Reason: f.Reason, Type: f.Type, Source: f.Source, Instance: f.Instance, Group: f.Group, Error: f.Failure,
		Until: f.Until.at,
	}
}

// deadLetters says how dead letters are listed: when they died first, since that is what they are sorted by.
func deadLetters() *term.Listing[notification.DeadLetter] {
	return &term.Listing[notification.DeadLetter]{
		None: "No dead letters.",
		Columns: []term.Column{
			{Name: "DIED", MinWidth: len(time.DateTime)},
			{Name: "SEQUENCE", Right: true},
			{Name: "SOURCE", MinWidth: len("green-api")},
			{Name: "TYPE", MinWidth: len("outgoingAPIMessageReceived")},
			{Name: "INSTANCE", MinWidth: len("1101000001")},
			{Name: "REASON", MinWidth: len(notification.ReasonUnstorable)},
			{Name: "GROUP", MinWidth: len("default")},
			{Name: "TRIES", Right: true},
			{Name: "ERROR"},
		},
		Row: func(deadLetter *notification.DeadLetter) []string {
			return []string{
				term.Time(deadLetter.DiedAt), strconv.FormatUint(deadLetter.DeadSequence, 10), deadLetter.Source, deadLetter.Type,
				deadLetter.Instance, deadLetter.Reason, deadLetter.Group, strconv.Itoa(deadLetter.Attempt), deadLetter.Error,
			}
		},
		Document: func(deadLetter *notification.DeadLetter) any { return newDeadLetterDocument(deadLetter) },
	}
}
