package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream/admin"
)

// deadRetryCommand is `sluice dead retry`: after a handler or a schema was mended, what it failed at gets another day.
type deadRetryCommand struct {
	deadLetterSelection
	Rate   float64 `placeholder:"N" default:"50" help:"How many a second; 0 is as many as can be (default: ${default})."`
	DryRun bool    `help:"Only count what would be sent through."`
	connectFlags
}

func (deadRetryCommand) Help() string {
	return `An event goes to the group that gave it up once more, with the same key and a day of tries anew. What was ` +
		`invalid is taken in again, with the schemas that the workers have now and the mode and mapping that its source has ` +
		`in the configuration which --config names. A dead letter is gone once it was sent through; what fails again ` +
		`becomes a new one. The command waits for the intake, says what it refused again, and fails then.

Example:

    sluice dead retry --all --reason exhausted --since 24h`
}

// Validate refuses what can't be meant.
func (c *deadRetryCommand) Validate() error {
	if c.Rate < 0 {
		return errors.New("--rate must not be negative")
	}
	return c.deadLetterSelection.Validate()
}

// Run sends dead letters through again, at a bounded rate: a handler that has just been mended need not get a day's
// failures within a second. A dead letter whose group is gone stays, since nobody would ever see its event.
func (c *deadRetryCommand) Run(ctx context.Context, s *session) error {
	present, err := c.presentSources(s)
	if err != nil {
		return err
	}
	return c.withStreams(ctx, s, func(streams *admin.Client) error {
		sequences, err := c.collect(ctx, streams)
		if err != nil {
			return err
		}
		groups, err := streams.GroupNames(ctx)
		if err != nil {
			return err
		}
		made, err := newDecisions(ctx, streams, "refused again")
		if err != nil {
			return err
		}
		by := operator()
		retry := func(ctx context.Context, deadLetter *notification.DeadLetter) error {
			if err := checkGroup(deadLetter.Group, groups); err != nil || c.DryRun {
				return err
			}
			readAsNow(deadLetter, present)
			receipt, err := streams.RetryDeadLetter(ctx, deadLetter, by)
			made.add(receipt)
			return err
		}
		work := c.batch(s, streams, "sent through again", retry)
		// A dry run has no rate: it only counts.
		heading := "would be sent through again"
		if !c.DryRun {
			heading, work.limit = "sent through again", newRateLimit(c.Rate)
		}
		finished, err := work.run(ctx, sequences)
		err = errors.Join(err, made.report(ctx, s))
		return errors.Join(s.out.Line("%s: %s", heading, finished.Describe("dead letter")), err)
	})
}

// checkGroup returns an error that names the groups that exist, when the wanted one is none of them. A dead letter that
// never was an event has no group and needs none.
func checkGroup(group string, groups []string) error {
	switch {
	case group == "", slices.Contains(groups, group):
		return nil
	case len(groups) == 0:
		return fmt.Errorf("there is no group %q, and no other one either; has a worker been started?", group)
	default:
		return fmt.Errorf("there is no group %q; there is %s", group, strings.Join(groups, ", "))
	}
}
