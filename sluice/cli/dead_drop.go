package cli

import (
	"context"
	"errors"
	"fmt"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/service"
	"sluice.internal/shared/stream/admin"
)

// deadDropCommand is `sluice dead drop`. It is the only command that destroys a body on purpose, so it does nothing
// without --yes, and a record of who dropped what stays behind in OPERATIONS and in the log.
type deadDropCommand struct {
	deadLetterSelection
	Yes bool `help:"Do it. Without it, only say how many would be given up."`
	connectFlags
}

func (deadDropCommand) Help() string {
	return `Dropped dead letters can't be sent through any more. Who dropped which is recorded.

Example:

    sluice dead drop --all --type deviceInfo --yes`
}

// Validate refuses what can't be meant.
func (c *deadDropCommand) Validate() error { return c.deadLetterSelection.Validate() }

// Run drops dead letters. Without --yes it goes through all of them all the same, so that the number it names is right,
// and fails: a script must not take that for done.
func (c *deadDropCommand) Run(ctx context.Context, s *session) error {
	return c.withStreams(ctx, s, func(streams *admin.Client) error {
		sequences, err := c.collect(ctx, streams)
		if err != nil {
			return err
		}
		log, err := service.NewLogger(s.diagnostics, "info", service.FormatText)
		if err != nil {
			return err
		}
		by := operator()
		drop := func(ctx context.Context, deadLetter *notification.DeadLetter) error {
			if !c.Yes {
				return nil
			}
			if err := streams.DropDeadLetter(ctx, deadLetter, by); err != nil {
				return err
			}
			log.Info("dead letter dropped", "sequence", deadLetter.DeadSequence, "reason", deadLetter.Reason,
				"group", deadLetter.Group, "source", deadLetter.Source, "type", deadLetter.Type,
				"instance", deadLetter.Instance, "key", deadLetter.Key, "by", by)
			return nil
		}
		finished, err := c.batch(s, streams, "dropped", drop).run(ctx, sequences)
		if c.Yes || finished.Sum() == 0 {
			return errors.Join(s.out.Line("dropped: %s", finished.Describe("dead letter")), err)
		}
		return errors.Join(err, fmt.Errorf("nothing dropped; --yes would drop %s", finished.Describe("dead letter")))
	})
}
