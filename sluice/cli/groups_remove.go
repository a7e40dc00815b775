package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/service"
	"sluice.internal/shared/stream/admin"
	"sluice.internal/sluice/cli/term"
)

// groupsRemoveCommand is `sluice groups rm`. A group that nobody serves holds every event that it has not had, until the
// stream is full; removing it is what ends that, and what it has not had is lost to it.
type groupsRemoveCommand struct {
	Name string `arg:"" help:"The group."`
	Yes  bool   `help:"Do it. Without it, only say what would be lost."`
	// Force is for a group whose workers are to begin anew: they make it again at once.
	Force bool `help:"Remove it even while workers serve it."`
	connectFlags
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

// Run removes a group. The record of it comes first: an operation that was recorded and did not happen can be repeated,
// one that happened without a record can't be found out.
func (c *groupsRemoveCommand) Run(ctx context.Context, s *session) error {
	return c.withStreams(ctx, s, func(streams *admin.Client) error {
		group, err := c.find(ctx, streams)
		if err != nil {
			return c.orBot(ctx, streams, err)
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
		return s.out.Line("group %s removed, %s", c.Name, losses)
	})
}

// orBot says what to do where the name is a bot's.
func (c *groupsRemoveCommand) orBot(ctx context.Context, streams *admin.Client, unknown error) error {
	bots, err := streams.Bots(ctx)
	if err == nil && slices.ContainsFunc(bots, func(bot admin.Bot) bool { return bot.Bot == c.Name }) {
		return fmt.Errorf("%q is a bot: remove it with `sluice bots rm %s`", c.Name, c.Name)
	}
	return unknown
}

// find reads the state of the group. It reads more than once when it sees no worker: between two batches they ask for
// nothing.
func (c *groupsRemoveCommand) find(ctx context.Context, streams *admin.Client) (admin.Backlog, error) {
	for attempt := 1; ; attempt++ {
		status, err := streams.Inspect(ctx)
		if err != nil {
			return admin.Backlog{}, err
		}
		i := slices.IndexFunc(status.Groups, func(group admin.Backlog) bool { return group.Name == c.Name })
		if i < 0 {
			return admin.Backlog{}, checkGroup(c.Name, namesOf(status.Groups))
		}
		if attempt == maxInspections || status.Groups[i].Workers > 0 {
			return status.Groups[i], nil
		}
		if err := service.Sleep(ctx, inspectionPause); err != nil {
			return admin.Backlog{}, err
		}
	}
}

// namesOf are the groups' names, for an error that says which there are.
func namesOf(groups []admin.Backlog) []string {
	names := make([]string, 0, len(groups))
	for _, group := range groups {
		names = append(names, group.Name)
	}
	return names
}

// lossesOf says what goes with a group, in the words of the refusal, of the record and of the result alike.
func lossesOf(group admin.Backlog) string {
	waiting, aside := todo(group), group.Parked+group.Due
	if waiting+aside == 0 {
		return "with nothing left to process"
	}
	return fmt.Sprintf("with %s not processed and %s set aside", term.Counted(int(waiting), "event"), term.Counted(int(aside), "other")) //nolint:gosec // Far below.
}
