package cli

import (
	"context"
	"errors"
	"fmt"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/service"
	"sluice.internal/shared/stream"
)

type deadDropCommand struct {
	deadChoice
	Yes bool `help:"Do it. Without it, only say how many would be given up."`
	reach
}

func (deadDropCommand) Help() string {
	return `Dropped dead letters can't be sent through any more. Who dropped which is recorded.

Example:

    sluice dead drop --all --type deviceInfo --yes`
}

// Validate refuses what can't be meant.
func (c *deadDropCommand) Validate() error { return c.deadChoice.Validate() }

// Run drops dead letters.
func (c *deadDropCommand) Run(ctx context.Context, s *session) error {
	return c.look(ctx, s, func(streams *stream.Streams) error {
		sequences, err := c.gather(ctx, streams)
		if err != nil {
			return err
		}
		log, err := service.NewLogger(s.diagnostics, "info", service.FormatText)
		if err != nil {
			return err
		}
		by := operator()
		work := letterWork{
			session: s, streams: streams, gathered: c.All, done: "dropped", pace: newPacer(0),
			do: func(ctx context.Context, letter *notification.DeadLetter) error {
				if !c.Yes {
					return nil
				}
				if err := streams.DropDeadLetter(ctx, letter, by); err != nil {
					return err
				}
				log.Info("dead letter dropped", "sequence", letter.DeadSequence, "reason", letter.Reason,
					"group", letter.Group, "source", letter.Source, "type", letter.Type,
					"instance", letter.Instance, "key", letter.Key, "by", by)
				return nil
			},
		}
		finished, err := work.each(ctx, sequences)
		if c.Yes || finished.sum() == 0 {
			return errors.Join(s.out.line("dropped: %s", finished.of("dead letter")), err)
		}
		return errors.Join(err, fmt.Errorf("nothing dropped; --yes would drop %s", finished.of("dead letter")))
	})
}
