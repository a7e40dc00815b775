package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream/admin"
	"sluice.internal/sluice/cli/term"
)

// botsCommand has the commands for programs that ask for events by the receive API.
type botsCommand struct {
	List botsListCommand   `cmd:"" name:"ls" default:"withargs" help:"List bots and how far they are."`
	Skip botsSkipCommand   `cmd:"" help:"Give up the notification that a bot does not get over."`
	Rm   botsRemoveCommand `cmd:"" help:"Forget a bot that nobody needs."`
}

func (botsCommand) Help() string {
	return `"sluice bots" has the flags of "sluice bots ls". "sluice replay --group BOT --since 2h" sets a bot back.

Example:

    sluice bots`
}

// botsListCommand is `sluice bots ls`.
type botsListCommand struct {
	JSON bool `name:"json" help:"Print one JSON object a line."`
	connectFlags
}

func (botsListCommand) Help() string {
	return "HANDED OUT is how often the first that waits was handed out. PASSED OVER were too old, or given up.\n\nExample:\n\n    sluice bots ls --json"
}

// Run lists bots.
func (c *botsListCommand) Run(ctx context.Context, s *session) error {
	return c.withStreams(ctx, s, func(streams *admin.Client) error {
		bots, err := streams.Bots(ctx)
		if err != nil {
			return err
		}
		return printListing(ctx, s, botListing(time.Now()), term.Form{JSON: c.JSON}, allOf(bots))
	})
}

// botListing says how bots are listed.
func botListing(now time.Time) *term.Listing[admin.Bot] {
	return &term.Listing[admin.Bot]{
		None: "No bots.",
		Columns: []term.Column{
			{Name: "BOT"},
			{Name: "INSTANCE"},
			{Name: "WAITING", Right: true},
			{Name: "OLDEST", Right: true},
			{Name: "HANDED OUT", Right: true},
			{Name: "DELETED", Right: true},
			{Name: "PASSED OVER", Right: true},
			{Name: "ASKED", Right: true},
		},
		Row: func(bot *admin.Bot) []string {
			return []string{
				bot.Bot, bot.Instance, decimal(bot.Waiting), age(bot.Oldest, now), strconv.Itoa(bot.HandedOut), decimal(bot.Deleted),
				decimal(bot.PassedOver), age(bot.AskedAt, now),
			}
		},
		Document: func(bot *admin.Bot) any { return newBotDocument(bot) },
	}
}

// botDocument is a bot and an instance as --json prints them.
type botDocument struct {
	Kind       string    `json:"kind"`
	Bot        string    `json:"bot"`
	Source     string    `json:"source,omitempty"`
	Instance   string    `json:"instance,omitempty"`
	Sequence   uint64    `json:"sequence"`
	Waiting    uint64    `json:"waiting"`
	OldestAt   time.Time `json:"oldest_at,omitzero"`
	Head       uint64    `json:"head,omitempty"`
	HandedOut  int       `json:"handed_out"`
	Deleted    uint64    `json:"deleted"`
	PassedOver uint64    `json:"passed_over"`
	AskedAt    time.Time `json:"asked_at,omitzero"`
	MovedAt    time.Time `json:"moved_at,omitzero"`
}

func newBotDocument(bot *admin.Bot) botDocument {
	return botDocument{
		Kind: "bot", Bot: bot.Bot, Source: bot.Source, Instance: bot.Instance, Sequence: bot.Sequence, Waiting: bot.Waiting,
		OldestAt: bot.Oldest.UTC(), Head: bot.Head, HandedOut: bot.HandedOut, Deleted: bot.Deleted, PassedOver: bot.PassedOver,
		AskedAt: bot.AskedAt.UTC(), MovedAt: bot.MovedAt.UTC(),
	}
}

// botsSkipCommand is `sluice bots skip`.
type botsSkipCommand struct {
	Bot      string `arg:"" help:"The bot."`
	Instance string `arg:"" help:"The instance."`
	Yes      bool   `help:"Do it. Without it, only say which notification would be given up."`
	connectFlags
}

func (botsSkipCommand) Help() string {
	return "The event stays, and can be replayed. Who gave it up is recorded.\n\nExample:\n\n    sluice bots skip crm 1101000001 --yes"
}

// Run moves the bot behind its head.
func (c *botsSkipCommand) Run(ctx context.Context, s *session) error {
	return c.withStreams(ctx, s, func(streams *admin.Client) error {
		bot, err := findBot(ctx, streams, c.Bot, c.Instance)
		if err != nil {
			return err
		}
		head, err := streams.BotHead(ctx, bot)
		if err != nil {
			return err
		}
		if head == nil {
			return fmt.Errorf("nothing waits for bot %q of instance %s", c.Bot, c.Instance)
		}
		what := fmt.Sprintf("event %d of type %s", head.Sequence, head.Type)
		if !c.Yes {
			return fmt.Errorf("nothing given up; --yes would give up %s", what)
		}
		if err := streams.RecordOperation(ctx, notification.Operation{
			What: notification.OperationSkip, At: time.Now().UTC(), By: operator(), Group: c.Bot, Key: head.Key, EventSequence: head.Sequence,
			Detail: "bot " + c.Bot + " of instance " + c.Instance + " gives up " + what,
		}); err != nil {
			return err
		}
		if err := streams.MoveBot(ctx, bot, head.Sequence, 1); err != nil {
			return err
		}
		return s.out.Line("bot %s gave up %s", c.Bot, what)
	})
}

// findBot finds a bot and an instance among those that there are.
func findBot(ctx context.Context, streams *admin.Client, name, instance string) (admin.Bot, error) {
	bots, err := streams.Bots(ctx)
	if err != nil {
		return admin.Bot{}, err
	}
	i := slices.IndexFunc(bots, func(bot admin.Bot) bool { return bot.Bot == name && bot.Instance == instance })
	if i < 0 {
		return admin.Bot{}, fmt.Errorf("bot %q has not asked for instance %q; `sluice bots` lists those that have", name, instance)
	}
	if bots[i].Source == "" {
		return admin.Bot{}, errors.New("the bot has not asked for days, so that it is not known what is for it")
	}
	return bots[i], nil
}

// replayToBot sets a bot back to what was stored since a time, or to a sequence: in all instances, or in one.
func (c *replayCommand) replayToBot(ctx context.Context, s *session, streams *admin.Client, bots []admin.Bot) error {
	if c.Type != "" || c.Source != "" || len(c.Key) > 0 || !c.Until.at.IsZero() || c.Again {
		return fmt.Errorf("%q is a bot, which is set back in all its events: use --since, --from-sequence or --all, and --instance", c.Group)
	}
	to := c.From
	if !c.Since.at.IsZero() {
		var err error
		if to, err = streams.EventSince(ctx, c.Since.at); err != nil {
			return err
		}
	}
	to = max(to, 1) - 1
	moved, err := c.moveBots(ctx, streams, bots, to)
	if err != nil {
		return err
	}
	what := fmt.Sprintf("in %s, to behind event %d", term.Counted(moved, "instance"), to)
	if c.DryRun {
		return s.out.Line("bot %s would be set back %s", c.Group, what)
	}
	if moved > 0 {
		if err := streams.RecordOperation(ctx, notification.Operation{
			What: notification.OperationReplay, At: time.Now().UTC(), By: operator(), Group: c.Group, Detail: "set back " + what,
		}); err != nil {
			return err
		}
	}
	return s.out.Line("bot %s was set back %s", c.Group, what)
}

// moveBots sets bots back to behind an event and returns how many there are to move; with --dry-run none is moved.
func (c *replayCommand) moveBots(ctx context.Context, streams *admin.Client, bots []admin.Bot, to uint64) (moved int, err error) {
	for _, bot := range bots {
		if c.Instance != "" && bot.Instance != c.Instance || bot.Instance == "" || to >= bot.Sequence {
			continue
		}
		moved++
		if c.DryRun {
			continue
		}
		if err := streams.MoveBot(ctx, bot, to, 0); err != nil {
			return moved, fmt.Errorf("set bot %s of instance %s back: %w", bot.Bot, bot.Instance, err)
		}
	}
	return moved, nil
}

// botProblems are the sentences about bots that do not get on.
func (s *state) botProblems() []error {
	const asksNoMore, stuckTimes, stuckFor = 10 * time.Minute, 20, 5 * time.Minute
	var problems []error
	for _, bot := range s.bots {
		switch {
		case s.since.Before(bot.LateAt):
			problems = append(problems, fmt.Errorf("bot %q of instance %s did not ask in time, and events were passed over at %s: see whether it "+
				"is fast enough, and send them again with `sluice replay --group %s --instance %s --since TIME`",
				bot.Bot, bot.Instance, term.Time(bot.LateAt), bot.Bot, bot.Instance))
		case bot.Waiting == 0:
		case s.At.Sub(bot.AskedAt) >= asksNoMore:
			problems = append(problems, fmt.Errorf("%d events wait for bot %q of instance %s, which asks no more since %s: see whether it runs",
				bot.Waiting, bot.Bot, bot.Instance, term.Time(bot.AskedAt)))
		case bot.HandedOut >= stuckTimes && s.At.Sub(bot.HeadSince) >= stuckFor:
			problems = append(problems, fmt.Errorf("bot %q of instance %s does not get over event %d: mend it, or give the event up with "+
				"`sluice bots skip %s %s`", bot.Bot, bot.Instance, bot.Head, bot.Bot, bot.Instance))
		}
	}
	return problems
}

// botsTable has a row for each bot and instance, and is left out where there is none.
func (s *state) botsTable(out *term.Output) {
	if len(s.bots) == 0 {
		return
	}
	listing := botListing(s.At)
	_ = out.Line("") // An error of a line comes again with the next.
	rows := term.NewTable(out, listing.Columns...)
	for i := range s.bots {
		_ = rows.Add(listing.Row(&s.bots[i])...)
	}
	_ = rows.End()
}
