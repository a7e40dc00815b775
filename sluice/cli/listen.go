package cli

import (
	"context"
	"errors"
	"iter"
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream/admin"
	"sluice.internal/sluice/cli/term"
)

// listenCommand is `sluice listen`, for developing a program against events that really come in. It has no position and
// no second try: what the program answers is printed, and the next event follows.
type listenCommand struct {
	Forward  string        `placeholder:"URL" help:"Post each event to this address (default: print them)."`
	Type     string        `placeholder:"TYPE" help:"Only events of this type."`
	Source   string        `placeholder:"NAME" help:"Only events of this source."`
	Instance string        `placeholder:"ID" help:"Only events of this instance."`
	Since    moment        `placeholder:"TIME" help:"Begin with what was stored since: 1h is an hour ago; or a time as in RFC 3339 (default: now)."`
	Timeout  time.Duration `placeholder:"TIME" default:"30s" help:"How long to wait for each answer (default: ${default})."`
	JSON     bool          `name:"json" help:"Print one JSON object a line."`
	connectFlags
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

// Run listens until it is interrupted, which is how it is meant to end and no failure. Without --since it begins with
// what comes from now on: whoever develops does not want the past in his program.
func (c *listenCommand) Run(ctx context.Context, s *session) error {
	return c.withStreams(ctx, s, func(streams *admin.Client) error {
		live := streams.Events(ctx, admin.Query{
			Type: c.Type, Source: c.Source, Instance: c.Instance,
			Since: c.Since.at, New: c.Since == moment{}, Follow: true,
		})
		if c.Forward == "" {
			return printListing(ctx, s, events(), term.Form{Follow: true, JSON: c.JSON}, live)
		}
		to := &target{client: newClient(), url: c.Forward, timeout: c.Timeout}
		defer to.client.CloseIdleConnections()
		return printListing(ctx, s, forwarded(), term.Form{Follow: true, JSON: c.JSON}, to.forward(ctx, live))
	})
}

// forwardedEvent is an event, when it was posted, and what the program answered.
type forwardedEvent struct {
	notification.Event
	result postResult
	at     time.Time
}

// forward posts each event as it comes, whatever was answered to the one before. The next is not read before there is an
// answer, so a slow program is not flooded; what comes meanwhile waits in the stream.
func (t *target) forward(ctx context.Context, live iter.Seq2[notification.Event, error]) iter.Seq2[forwardedEvent, error] {
	return func(yield func(forwardedEvent, error) bool) {
		for event, err := range live {
			if err != nil {
				yield(forwardedEvent{}, err)
				return
			}
			posted := forwardedEvent{Event: event, at: time.Now(), result: t.post(ctx, &event)}
			if !yield(posted, nil) {
				return
			}
		}
	}
}

// forwarded says how posted events are listed: one line as soon as there is an answer.
func forwarded() *term.Listing[forwardedEvent] {
	return &term.Listing[forwardedEvent]{
		Columns: []term.Column{
			{Name: "FORWARDED", MinWidth: len(time.DateTime)},
			{Name: "TYPE", MinWidth: len("outgoingAPIMessageReceived")},
			{Name: "INSTANCE", MinWidth: len("1101000001")},
			{Name: "KEY", MinWidth: shownKey},
			{Name: "ANSWER"},
		},
		Row: func(event *forwardedEvent) []string {
			return []string{
				term.Time(event.at), event.Type, event.Instance, event.Key[:min(len(event.Key), shownKey)], event.result.String(),
			}
		},
		Document: func(event *forwardedEvent) any {
			return forwardedDocument{
				Sequence: event.Sequence, Key: event.Key, Source: event.Source, Type: event.Type, Instance: event.Instance,
				ReceivedAt: event.ReceivedAt.UTC(), postResult: event.result,
			}
		},
	}
}

// forwardedDocument is a posted event as --json prints it, without the body: that is what the program got.
type forwardedDocument struct {
	Sequence   uint64    `json:"sequence"`
	Key        string    `json:"key,omitempty"`
	Source     string    `json:"source,omitempty"`
	Type       string    `json:"type,omitempty"`
	Instance   string    `json:"instance,omitempty"`
	ReceivedAt time.Time `json:"received_at,omitzero"`
	postResult
}
