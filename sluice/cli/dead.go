package cli

import (
	"context"
	"strconv"
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
)

type deadCommand struct {
	Reason   string `placeholder:"REASON" help:"Only those with this reason: invalid, refused or exhausted."`
	Type     string `placeholder:"TYPE" help:"Only those of this type."`
	Source   string `placeholder:"NAME" help:"Only those of this source."`
	Instance string `placeholder:"ID" help:"Only those of this instance."`
	window
	reach
}

func (deadCommand) Help() string {
	return `The oldest come first. --json has the bodies and every fault of an invalid one.

Example:

    sluice dead --reason invalid --since 24h --json`
}

// Run lists dead letters.
func (c *deadCommand) Run(ctx context.Context, s *session) error {
	return c.look(ctx, s, func(streams *stream.Streams) error {
		return deadLetters().print(ctx, s, c.window, streams.DeadLetters(ctx, stream.Query{
			Reason: c.Reason, Type: c.Type, Source: c.Source, Instance: c.Instance,
			Since: c.Since.at, Limit: c.Limit, Follow: c.Follow,
		}))
	})
}

func deadLetters() *listing[notification.DeadLetter] {
	return &listing[notification.DeadLetter]{
		none: "No dead letters.",
		columns: []column{
			{name: "DIED", least: len(time.DateTime)},
			{name: "SEQUENCE", right: true},
			{name: "SOURCE", least: len("green-api")},
			{name: "TYPE", least: len("outgoingAPIMessageReceived")},
			{name: "INSTANCE", least: len("1101000001")},
			{name: "REASON", least: len(notification.ReasonExhausted)},
			{name: "GROUP", least: len("default")},
			{name: "TRIES", right: true},
			{name: "ERROR"},
		},
		row: func(letter *notification.DeadLetter) []string {
			return []string{
				when(letter.DiedAt), strconv.FormatUint(letter.DeadSequence, 10), letter.Source, letter.Type,
				letter.Instance, letter.Reason, letter.Group, strconv.Itoa(letter.Attempt), letter.Error,
			}
		},
		document: func(letter *notification.DeadLetter) any { return newDeadDocument(letter) },
	}
}

type deadDocument struct {
	Sequence             uint64               `json:"sequence"`
	Key                  string               `json:"key,omitempty"`
	Source               string               `json:"source,omitempty"`
	Type                 string               `json:"type,omitempty"`
	Instance             string               `json:"instance,omitempty"`
	Group                string               `json:"group,omitempty"`
	Reason               string               `json:"reason,omitempty"`
	Error                string               `json:"error,omitempty"`
	Faults               []notification.Fault `json:"faults,omitempty"`
	Attempt              int                  `json:"attempt,omitempty"`
	EventSequence        uint64               `json:"event_sequence,omitempty"`
	NotificationSequence uint64               `json:"notification_sequence,omitempty"`
	ReceivedAt           time.Time            `json:"received_at,omitzero"`
	DiedAt               time.Time            `json:"died_at,omitzero"`
	SentAt               time.Time            `json:"sent_at,omitzero"`
	payload
}

func newDeadDocument(letter *notification.DeadLetter) deadDocument {
	return deadDocument{
		Sequence: letter.DeadSequence, Key: letter.Key, Source: letter.Source, Type: letter.Type,
		Instance: letter.Instance, Group: letter.Group,
		Reason: letter.Reason, Error: letter.Error, Faults: letter.Faults, Attempt: letter.Attempt,
		EventSequence: letter.Sequence, NotificationSequence: letter.NotificationSequence,
		ReceivedAt: letter.ReceivedAt.UTC(), DiedAt: letter.DiedAt.UTC(), SentAt: letter.SentAt.UTC(),
		payload: newPayload(letter.Body),
	}
}
