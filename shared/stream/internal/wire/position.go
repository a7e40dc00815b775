package wire

import (
	"encoding/json"
	"strconv"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// BotPositions are the subjects of all positions of bots.
const BotPositions = "position.bot.>"

// PositionSubject is where the position of a bot in the events of an instance is. An empty instance is where the bot began,
// for instances of which it has no position yet.
func PositionSubject(bot, instance string) string {
	return "position.bot." + Token(bot) + "." + Token(instance)
}

// PositionsOf are the subjects of all positions of a bot.
func PositionsOf(bot string) string { return "position.bot." + Token(bot) + ".>" }

// StatesOf are the subjects of all that the receive API says about a bot.
func StatesOf(bot string) string { return "state.bot." + Token(bot) + ".>" }

// BotStateSubject is where the receive API says how a bot is with an instance.
func BotStateSubject(bot, instance string) string {
	return "state.bot." + Token(bot) + "." + Token(instance)
}

// BotStates are the subjects of all that the receive API says.
const BotStates = "state.bot.>"

// PositionMessage writes a position, unless the subject has another last message than the one with the sequence.
func PositionMessage(subject string, document any, last uint64) (*nats.Msg, error) {
	body, err := json.Marshal(document)
	h := make(header, 1)
	h.set(jetstream.ExpectedLastSubjSeqHeader, strconv.FormatUint(last, 10))
	return &nats.Msg{Subject: subject, Header: nats.Header(h), Data: body}, err
}

// EventFilter is the subject of the events of an instance, of one type or of all where it is empty.
func EventFilter(source, kind, instance string) string {
	if kind == "" {
		kind = "*"
	} else {
		kind = Token(kind)
	}
	return "events.*." + Token(source) + "." + kind + "." + Token(instance)
}
