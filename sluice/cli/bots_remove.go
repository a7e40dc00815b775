package cli

import (
	"context"
	"fmt"
	"slices"
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream/admin"
	"sluice.internal/sluice/cli/term"
)

// botsRemoveCommand is `sluice bots rm`, for one that was taken out of the configuration: what is for it waits for nobody.
type botsRemoveCommand struct {
	Bot string `arg:"" help:"The bot."`
	Yes bool   `help:"Do it. Without it, only say what would be forgotten."`
	connectFlags
}

func (botsRemoveCommand) Help() string {
	return `How far the bot is in the events of each instance is forgotten; the events stay. Take it out of bots first: one that is still ` +
		`configured begins anew, with what comes from then on. Who removed it is recorded.

Example:

    sluice bots rm crm --yes`
}

// Run forgets a bot. The record comes first, as for a group.
func (c *botsRemoveCommand) Run(ctx context.Context, s *session) error {
	return c.withStreams(ctx, s, func(streams *admin.Client) error {
		all, err := streams.Bots(ctx)
		if err != nil {
			return err
		}
		var instances int
		var waiting uint64
		for _, bot := range all {
			if bot.Bot == c.Bot {
				instances++
				waiting += bot.Waiting
			}
		}
		if instances == 0 {
			return fmt.Errorf("there is no bot %q; `sluice bots` lists those that there are", c.Bot)
		}
		what := fmt.Sprintf("%s, where %s for it", term.Counted(instances, "position"), waits(waiting))
		if !c.Yes {
			return fmt.Errorf("bot %q not removed; --yes would forget %s", c.Bot, what)
		}
		if i := slices.IndexFunc(all, func(bot admin.Bot) bool { return bot.Bot == c.Bot && time.Since(bot.AskedAt) < time.Minute }); i >= 0 {
			s.diagnostics.Line("It asked at %s: if it is still configured, it begins anew.", term.Time(all[i].AskedAt))
		}
		if err := streams.RecordOperation(ctx, notification.Operation{
			What: notification.OperationRemoveBot, At: time.Now().UTC(), By: operator(), Group: c.Bot, Detail: what,
		}); err != nil {
			return err
		}
		if err := streams.RemoveBot(ctx, c.Bot); err != nil {
			return fmt.Errorf("remove bot %q: %w", c.Bot, err)
		}
		return s.out.Line("bot %s removed, with %s", c.Bot, what)
	})
}

func waits(events uint64) string {
	if events == 1 {
		return "1 event waits"
	}
	return fmt.Sprintf("%d events wait", events)
}
