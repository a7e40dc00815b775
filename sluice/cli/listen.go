package cli

import (
	"context"
	"errors"
	"iter"
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
)

type listenCommand struct {
	Forward  string        `placeholder:"URL" help:"Post each event to this address (default: print them)."`
	Type     string        `placeholder:"TYPE" help:"Only events of this type."`
	Source   string        `placeholder:"NAME" help:"Only events of this source."`
	Instance string        `placeholder:"ID" help:"Only events of this instance."`
	Since    moment        `placeholder:"TIME" help:"Begin with what was stored since: 1h is an hour ago; or a time as in RFC 3339 (default: now)."`
	Timeout  time.Duration `placeholder:"TIME" default:"30s" help:"How long to wait for each answer (default: ${default})."`
	JSON     bool          `name:"json" help:"Print one JSON object a line."`
	reach
}

func (listenCommand) Help() string {
	return `For developing a program: it gets the events that come in, bodies as they came, with key, type, source and ` +
		`sequence in the header, one after the other and each once. No group notices.

Example:

    sluice listen --forward http://localhost:3000/hook`
}

// Validate refuses what can't be meant.
func (c *listenCommand) Validate() error {
	if c.Timeout <= 0 {
		return errors.New("--timeout must be more than 0")
	}
	if c.Forward == "" {
		return nil
	}
	return checkTarget("--forward", c.Forward)
}

// Run listens until it is interrupted.
func (c *listenCommand) Run(ctx context.Context, s *session) error {
	return c.look(ctx, s, func(streams *stream.Streams) error {
		live := streams.Events(ctx, stream.Query{
			Type: c.Type, Source: c.Source, Instance: c.Instance,
			Since: c.Since.at, New: c.Since == moment{}, Follow: true,
		})
		if c.Forward == "" {
			return events().print(ctx, s, window{Follow: true, JSON: c.JSON}, live)
		}
		to := &target{client: newClient(), url: c.Forward, timeout: c.Timeout}
		defer to.client.CloseIdleConnections()
		return forwarded().print(ctx, s, window{Follow: true, JSON: c.JSON}, to.forward(ctx, live))
	})
}

// forwardedEvent is an event and what the program said to it.
type forwardedEvent struct {
	notification.Event
	answer answer
	at     time.Time
}

// forward posts each event as it comes, whatever is said to the one before.
func (t *target) forward(ctx context.Context, live iter.Seq2[notification.Event, error]) iter.Seq2[forwardedEvent, error] {
	return func(yield func(forwardedEvent, error) bool) {
		for event, err := range live {
			if err != nil {
				yield(forwardedEvent{}, err)
				return
			}
			posted := forwardedEvent{Event: event, at: time.Now(), answer: t.post(ctx, &event)}
			if !yield(posted, nil) {
				return
			}
		}
	}
}

func forwarded() *listing[forwardedEvent] {
	return &listing[forwardedEvent]{
		columns: []column{
			{name: "FORWARDED", least: len(time.DateTime)},
			{name: "TYPE", least: len("outgoingAPIMessageReceived")},
			{name: "INSTANCE", least: len("1101000001")},
			{name: "KEY", least: shownKey},
			{name: "ANSWER"},
		},
		row: func(event *forwardedEvent) []string {
			return []string{
				when(event.at), event.Type, event.Instance, event.Key[:min(len(event.Key), shownKey)], event.answer.String(),
			}
		},
		document: func(event *forwardedEvent) any {
			return forwardedDocument{
				Sequence: event.Sequence, Key: event.Key, Source: event.Source, Type: event.Type, Instance: event.Instance,
				ReceivedAt: event.ReceivedAt.UTC(), answer: event.answer,
			}
		},
	}
}

type forwardedDocument struct {
	Sequence   uint64    `json:"sequence"`
	Key        string    `json:"key,omitempty"`
	Source     string    `json:"source,omitempty"`
	Type       string    `json:"type,omitempty"`
	Instance   string    `json:"instance,omitempty"`
	ReceivedAt time.Time `json:"received_at,omitzero"`
	answer
}
