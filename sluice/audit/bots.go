package audit

import (
	"context"
	"fmt"
	"slices"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/admin"
)

// BotBalance says how far a bot is in the stored events of an instance.
type BotBalance struct {
	Bot, Instance string
	// Events is the sum of the others. Done lie up to the bot's position, deleted or passed over; Waiting behind it.
	Events, Done, Waiting uint64
}

// botAt is a bot with its place in the report.
type botAt struct {
	admin.Bot

	place int
}

// readBots reads where the bots are, before the events: what a bot deletes meanwhile counts as waiting. A bot that has not asked
// for days is left out, since it is not known what is for it.
func (a *account) readBots(ctx context.Context) error {
	bots, err := a.data.Bots(ctx)
	if err != nil {
		return err
	}
	a.bots = map[botEvents][]botAt{}
	for _, bot := range bots {
		if bot.Source == "" || bot.Instance == "" {
			continue
		}
		of := botEvents{bot.Source, bot.Instance}
		a.bots[of] = append(a.bots[of], botAt{bot, len(a.report.Bots)})
		a.report.Bots = append(a.report.Bots, BotBalance{Bot: bot.Bot, Instance: bot.Instance})
	}
	return nil
}

// botEvents are the events that a bot may get.
type botEvents struct{ source, instance string }

// countForBots counts an event for every bot that it is for.
func (a *account) countForBots(event *notification.Event) {
	for _, bot := range a.bots[botEvents{event.Source, event.Instance}] {
		if len(bot.Types) > 0 && !slices.Contains(bot.Types, event.Type) {
			continue
		}
		balance := &a.report.Bots[bot.place]
		balance.Events++
		if event.Sequence > bot.Sequence {
			balance.Waiting++
		} else {
			balance.Done++
		}
	}
}

// checkBots looks for bots that are ahead of all events, once all are read: they pass by what comes until their number is reached.
func (a *account) checkBots() {
	for _, bots := range a.bots {
		for _, bot := range bots {
			if bot.Sequence > a.behind.Events.Last {
				a.faults.add(Item{
					What: ItemAhead, Stream: stream.Events, Sequence: bot.Sequence, Source: bot.Source, Instance: bot.Instance, Group: bot.Bot.Bot,
					Detail: fmt.Sprintf("the bot is behind event %d, and the newest is %d: it goes back when it asks", bot.Sequence, a.behind.Events.Last),
				})
			}
		}
	}
}
