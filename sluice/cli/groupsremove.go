package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
)

type groupsRemoveCommand struct {
	Name  string `arg:"" help:"The group."`
	Yes   bool   `help:"Do it. Without it, only say what would be lost."`
	Force bool   `help:"Remove it even while workers serve it."`
	reach
}

func (groupsRemoveCommand) Help() string {
	return `The events stay, for the other groups and for a replay, and so do dead letters. What the group has not processed is ` +
		`lost to it, and what is parked for it is gone. A worker that is started with its name makes it anew, and begins ` +
		`with the oldest event that is kept. Who removed it is recorded.

Example:

    sluice groups rm billing --yes`
}

// Validate refuses what can't be meant.
func (c *groupsRemoveCommand) Validate() error {
	if c.Name == "" {
		return errors.New("the name of the group is empty")
	}
	return nil
}

// Run removes a group.
func (c *groupsRemoveCommand) Run(ctx context.Context, s *session) error {
	return c.look(ctx, s, func(streams *stream.Streams) error {
		group, err := c.find(ctx, streams)
		if err != nil {
			return err
		}
		if group.Workers > 0 && !c.Force {
			return fmt.Errorf("workers serve group %q: stop them first; with --force they make it anew at once, and begin "+
				"with the oldest event that is kept", c.Name)
		}
		losses := lossesOf(group)
		if !c.Yes {
			return fmt.Errorf("group %q not removed; --yes would remove it, %s", c.Name, losses)
		}
		if err := streams.RecordOperation(ctx, notification.Operation{
			What: notification.OperationRemoveGroup, At: time.Now().UTC(), By: operator(), Group: c.Name, Detail: losses,
		}); err != nil {
			return err
		}
		if err := streams.RemoveGroup(ctx, c.Name); err != nil {
			return fmt.Errorf("remove group %q: %w", c.Name, err)
		}
		return s.out.line("group %s removed, %s", c.Name, losses)
	})
}

// find looks for the group, and for its workers more than once: between two batches they ask for nothing.
func (c *groupsRemoveCommand) find(ctx context.Context, streams *stream.Streams) (stream.Backlog, error) {
	for look := 1; ; look++ {
		status, err := streams.Inspect(ctx)
		if err != nil {
			return stream.Backlog{}, err
		}
		i := slices.IndexFunc(status.Groups, func(group stream.Backlog) bool { return group.Name == c.Name })
		if i < 0 {
			return stream.Backlog{}, groupIsThere(c.Name, namesOf(status.Groups))
		}
		if look == looks || status.Groups[i].Workers > 0 {
			return status.Groups[i], nil
		}
		if err := sleep(ctx, pause); err != nil {
			return stream.Backlog{}, err
		}
	}
}

func namesOf(groups []stream.Backlog) []string {
	names := make([]string, 0, len(groups))
	for _, group := range groups {
		names = append(names, group.Name)
	}
	return names
}

// lossesOf says what goes with a group.
func lossesOf(group stream.Backlog) string {
	waiting, aside := todo(group), group.Parked+group.Due
	if waiting+aside == 0 {
		return "with nothing left to process"
	}
	return fmt.Sprintf("with %s not processed and %s set aside", counted(int(waiting), "event"), counted(int(aside), "other")) //nolint:gosec // Far below.
}
