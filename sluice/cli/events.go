package cli

import (
	"context"
	"strconv"
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream/admin"
	"sluice.internal/sluice/cli/term"
)

// eventsCommand is `sluice events` with what can be asked of events. It reads EVENTS beside all groups and moves none of them.
type eventsCommand struct {
	Ls   eventsListCommand `cmd:"" default:"withargs" help:"List events; what \"sluice events\" does by itself."`
	Show eventsShowCommand `cmd:"" help:"Show all that is known of events."`
}

func (eventsCommand) Help() string {
	return `An event is a notification that was taken in once. One whose body differs from its schema is an event all the ` +
		`same; the column FAULTS counts how, and "sluice events show" names each. "sluice events" has the flags of ` +
		`"sluice events ls".

Example:

    sluice events --type incomingMessageReceived --limit 20 --follow`
}

// eventsListCommand is `sluice events ls`.
type eventsListCommand struct {
	Type     string `placeholder:"TYPE" help:"Only events of this type."`
	Instance string `placeholder:"ID" help:"Only events of this instance."`
	Source   string `placeholder:"NAME" help:"Only events of this source."`
	listingFlags
	connectFlags
}

func (eventsListCommand) Help() string {
	return `The oldest come first. --json has the bodies and the faults as well.

Example:

    sluice events ls --since 1h --json`
}

// Run lists events.
func (c *eventsListCommand) Run(ctx context.Context, s *session) error {
	return c.withStreams(ctx, s, func(streams *admin.Client) error {
		return printListing(ctx, s, events(), c.form(), streams.Events(ctx, admin.Query{
			Type: c.Type, Instance: c.Instance, Source: c.Source,
			Since: c.Since.at, Limit: c.Limit, Follow: c.Follow,
		}))
	})
}

// shownKey is how many characters of a key are enough to tell it from the others on a page.
const shownKey = 8

// events says how events are listed, for `sluice events` and `sluice listen` alike.
func events() *term.Listing[notification.Event] {
	return &term.Listing[notification.Event]{
		None: "No events.",
		Columns: []term.Column{
			{Name: "RECEIVED", MinWidth: len(time.DateTime)},
			{Name: "SEQUENCE", Right: true},
			{Name: "SOURCE", MinWidth: len("green-api")},
			{Name: "TYPE", MinWidth: len("outgoingAPIMessageReceived")},
			{Name: "INSTANCE", MinWidth: len("1101000001")},
			{Name: "LANE", Right: true},
			{Name: "KEY", MinWidth: shownKey},
			{Name: "SENT", MinWidth: len(time.DateTime)},
			{Name: "FAULTS"},
		},
		Row: func(event *notification.Event) []string {
			return []string{
				term.Time(event.ReceivedAt), strconv.FormatUint(event.Sequence, 10), event.Source, event.Type,
				event.Instance, strconv.Itoa(event.Lane), event.Key[:min(len(event.Key), shownKey)], term.Time(event.SentAt),
				number(uint64(len(event.Faults))),
			}
		},
		Document: func(event *notification.Event) any { return newEventDocument(event) },
	}
}

// eventFields are what every document about an event has in common, under the same names everywhere.
type eventFields struct {
	// Key is the identity: notifications that are the same have the same one. A handler makes its effect idempotent by it.
	Key      string `json:"key,omitempty"`
	Source   string `json:"source,omitempty"`
	Type     string `json:"type,omitempty"`
	Instance string `json:"instance,omitempty"`
	// OrderKey is what events are in order within, as the chat of a message.
	OrderKey string `json:"order_key,omitempty"`
	// ReceivedAt is when the gateway had the whole request, SentAt when the provider says that it happened; both in UTC.
	ReceivedAt time.Time `json:"received_at,omitzero"`
	SentAt     time.Time `json:"sent_at,omitzero"`
	// NotificationSequence is the receipt that the sender got.
	NotificationSequence uint64 `json:"notification_sequence,omitempty"`
	// Part says which of the Parts of its notification it is, from 1, where requests are divided.
	Part          int    `json:"part,omitempty"`
	Parts         int    `json:"parts,omitempty"`
	RemoteAddress string `json:"remote_address,omitempty"`
	RequestID     string `json:"request_id,omitempty"`
	ContentType   string `json:"content_type,omitempty"`
}

func newEventFields(event *notification.Event) eventFields {
	return eventFields{
		Key: event.Key, Source: event.Source, Type: event.Type, Instance: event.Instance, OrderKey: event.OrderKey,
		ReceivedAt: event.ReceivedAt.UTC(), SentAt: event.SentAt.UTC(), NotificationSequence: event.NotificationSequence,
		Part: event.Part, Parts: event.Parts,
		RemoteAddress: event.RemoteAddress, RequestID: event.RequestID, ContentType: event.ContentType,
	}
}

// eventDocument is an event as --json prints it.
type eventDocument struct {
	Sequence uint64 `json:"sequence"`
	eventFields
	// Lane is the part of the subject that the chat is hashed to; 0 is one of them, so it is never left out.
	Lane int `json:"lane"`
	// Outdated says that a newer state of the same object came before it.
	Outdated bool `json:"outdated,omitempty"`
	// Faults are how the body differs from its schema, and what had to be repaired to read it.
	Faults []notification.Fault `json:"faults,omitempty"`
	payload
}

func newEventDocument(event *notification.Event) eventDocument {
	return eventDocument{
		Sequence: event.Sequence, eventFields: newEventFields(event), Lane: event.Lane, Outdated: event.Outdated, Faults: event.Faults,
		payload: newPayload(event.Body),
	}
}
