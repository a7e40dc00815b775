package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/internal/wire"
	"sluice.internal/shared/stream/position"
)

// Bot is how far a bot is in the events of one instance.
type Bot struct {
	// BotState is what the receive API says. Without it, when the bot has not asked for days, only Bot and Instance are set.
	position.BotState
	position.Position

	// Waiting is how many events are for it, Oldest when the first of them was stored; both only where its state is known.
	Waiting uint64
	Oldest  time.Time
}

// Bots returns all bots with their positions, by bot and instance. A bot that has not moved in the events of any instance has
// one row without an instance. Streams that an older Sluice made have none.
func (s *Client) Bots(ctx context.Context) ([]Bot, error) {
	positions, err := s.botPositions(ctx)
	if err != nil || len(positions) == 0 {
		return nil, err
	}
	states, err := s.botStates(ctx)
	if err != nil {
		return nil, err
	}
	// Positions come first and are what counts: a state is kept for some days, a position for ever.
	for key := range states {
		if _, moved := positions[key]; !moved { // It has asked and deleted nothing yet.
			positions[key] = positions[botKey{key.bot, ""}]
		}
	}
	client := position.NewClient(s.core)
	var bots []Bot
	for key, at := range positions {
		if key.instance == "" && hasInstance(positions, key.bot) {
			continue
		}
		bot := Bot{BotState: states[key], Position: at}
		bot.Bot, bot.Instance = key.bot, key.instance
		// What waits depends on the source and the types that the bot asks for, which its state alone says.
		if bot.Source != "" {
			filter := position.Filter{Source: bot.Source, Instance: bot.Instance, Types: bot.Types}
			if bot.Waiting, err = client.Count(ctx, filter, at.Sequence); err != nil {
				return nil, err
			}
			head, err := client.Next(ctx, filter, at.Sequence)
			if err != nil {
				return nil, err
			}
			if head != nil {
				bot.Oldest = head.StoredAt
			}
		}
		bots = append(bots, bot)
	}
	slices.SortFunc(bots, func(a, b Bot) int { return strings.Compare(a.Bot+"/"+a.Instance, b.Bot+"/"+b.Instance) })
	return bots, nil
}

// botKey is a bot and an instance, empty for where the bot began.
type botKey struct{ bot, instance string }

// hasInstance reports whether a bot has moved in the events of an instance. Its row without one says nothing then.
func hasInstance(positions map[botKey]position.Position, bot string) bool {
	for key := range positions {
		if key.bot == bot && key.instance != "" {
			return true
		}
	}
	return false
}

// botPositions returns the newest position of each bot and instance. What can't be read is somebody else's and left out.
func (s *Client) botPositions(ctx context.Context) (map[botKey]position.Position, error) {
	type found struct {
		key botKey
		at  position.Position
	}
	positions := map[botKey]position.Position{}
	all := read(ctx, s, stream.Positions, wire.BotPositions, Query{}, func(m *message) (f found, ok bool) {
		parts := strings.Split(m.Subject(), ".")
		if len(parts) != 4 || json.Unmarshal(m.Data(), &f.at) != nil {
			return f, false
		}
		f.key = botKey{parts[2], parts[3]}
		if f.key.instance == wire.Token("") {
			f.key.instance = ""
		}
		return f, true
	})
	for one, err := range all {
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			return positions, nil
		}
		if err != nil {
			return nil, err
		}
		positions[one.key] = one.at
	}
	return positions, nil
}

// botStates returns what the receive API said last about bots. It says that while they ask, so that a state may be missing.
func (s *Client) botStates(ctx context.Context) (map[botKey]position.BotState, error) {
	states := map[botKey]position.BotState{}
	all := read(ctx, s, stream.States, wire.BotStates, Query{}, func(m *message) (state position.BotState, ok bool) {
		return state, json.Unmarshal(m.Data(), &state) == nil
	})
	for state, err := range all {
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			return states, nil
		}
		if err != nil {
			return nil, err
		}
		states[botKey{state.Bot, state.Instance}] = state
	}
	return states, nil
}

// BotHead returns the event that is handed out to the bot next, nil when nothing waits for it.
func (s *Client) BotHead(ctx context.Context, bot Bot) (*notification.Event, error) {
	filter := position.Filter{Source: bot.Source, Instance: bot.Instance, Types: bot.Types}
	return position.NewClient(s.core).Next(ctx, filter, bot.Sequence)
}

// MoveBot moves a bot in the events of an instance: behind the head, which is passed over then, or to another sequence.
// Errors: position.ErrMoved when the bot moved itself meanwhile.
func (s *Client) MoveBot(ctx context.Context, bot Bot, to uint64, passedOver uint64) error {
	client := position.NewClient(s.core)
	at, err := client.Read(ctx, bot.Bot, bot.Instance)
	if err != nil {
		return err
	}
	// Read here, and expected by the move: a bot that deletes meanwhile has its own way.
	moved := at
	moved.Sequence, moved.PassedOver = to, at.PassedOver+passedOver
	_, err = client.Move(ctx, bot.Bot, bot.Instance, at, moved)
	return err
}

// EventSince returns the sequence of the first event that was stored since a time, the one behind the newest when there is none.
func (s *Client) EventSince(ctx context.Context, since time.Time) (uint64, error) {
	before, err := position.NewClient(s.core).Before(ctx, since)
	return before + 1, err
}

// RemoveBot forgets how far a bot is, and what the receive API said about it.
func (s *Client) RemoveBot(ctx context.Context, bot string) error {
	for _, of := range []struct{ stream, subjects string }{
		// The position goes last: what a crash leaves is found by its name and can be removed again.
		{stream.States, wire.StatesOf(bot)}, {stream.Positions, wire.PositionsOf(bot)},
	} {
		opened, err := s.core.Stream(ctx, of.stream)
		if err == nil {
			err = purge(ctx, s.core, opened, of.subjects)
		}
		if err != nil {
			return fmt.Errorf("remove bot %q from stream %s: %w", bot, of.stream, err)
		}
	}
	return nil
}
