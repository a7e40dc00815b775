package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
)

type deadRetryCommand struct {
	deadChoice
	Rate   float64 `placeholder:"N" default:"50" help:"How many a second; 0 is as many as can be (default: ${default})."`
	DryRun bool    `help:"Only count what would be sent through."`
	reach
}

func (deadRetryCommand) Help() string {
	return `An event goes to the group that gave it up once more, with the same key and a day of tries anew. What was ` +
		`invalid is taken in again, so mend its schema first. A dead letter is gone once it was sent through; what ` +
		`fails again becomes a new one.

Example:

    sluice dead retry --all --reason exhausted --since 24h`
}

// Validate refuses what can't be meant.
func (c *deadRetryCommand) Validate() error {
	if c.Rate < 0 {
		return errors.New("--rate must not be negative")
	}
	return c.deadChoice.Validate()
}

// Run sends dead letters through again.
func (c *deadRetryCommand) Run(ctx context.Context, s *session) error {
	return c.look(ctx, s, func(streams *stream.Streams) error {
		sequences, err := c.gather(ctx, streams)
		if err != nil {
			return err
		}
		groups, err := streams.GroupNames(ctx)
		if err != nil {
			return err
		}
		by := operator()
		work := letterWork{
			session: s, streams: streams, gathered: c.All, done: "sent through again", pace: newPacer(c.Rate),
			do: func(ctx context.Context, letter *notification.DeadLetter) error {
				if err := groupIsThere(letter.Group, groups); err != nil || c.DryRun {
					return err
				}
				return streams.RetryDeadLetter(ctx, letter, by)
			},
		}
		said := "sent through again"
		if c.DryRun {
			said, work.pace = "would be sent through again", newPacer(0)
		}
		finished, err := work.each(ctx, sequences)
		return errors.Join(s.out.line("%s: %s", said, finished.of("dead letter")), err)
	})
}

// groupIsThere returns an error that names the groups there are, when the one that is needed is none of them. What
// never was an event needs none.
func groupIsThere(group string, groups []string) error {
	switch {
	case group == "", slices.Contains(groups, group):
		return nil
	case len(groups) == 0:
		return fmt.Errorf("there is no group %q, and no other one either; has a worker been started?", group)
	default:
		return fmt.Errorf("there is no group %q; there is %s", group, strings.Join(groups, ", "))
	}
}
