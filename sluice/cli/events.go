package cli

import (
	"context"
	"strconv"
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
)

type eventsCommand struct {
	Type     string `placeholder:"TYPE" help:"Only events of this type."`
	Instance string `placeholder:"ID" help:"Only events of this instance."`
	Source   string `placeholder:"NAME" help:"Only events of this source."`
	window
	reach
}

func (eventsCommand) Help() string {
	return `The oldest come first. --json has the bodies as well.

Example:

    sluice events --type incomingMessageReceived --limit 20 --follow`
}

// Run lists events.
func (c *eventsCommand) Run(ctx context.Context, s *session) error {
	return c.look(ctx, s, func(streams *stream.Streams) error {
		return events().print(ctx, s, c.window, streams.Events(ctx, stream.Query{
			Type: c.Type, Instance: c.Instance, Source: c.Source,
			Since: c.Since.at, Limit: c.Limit, Follow: c.Follow,
		}))
	})
}

// shownKey is how much of a key tells it from others on a page.
const shownKey = 8

func events() *listing[notification.Event] {
	return &listing[notification.Event]{
		none: "No events.",
		columns: []column{
			{name: "RECEIVED", least: len(time.DateTime)},
			{name: "SEQUENCE", right: true},
			{name: "SOURCE", least: len("green-api")},
			{name: "TYPE", least: len("outgoingAPIMessageReceived")},
			{name: "INSTANCE", least: len("1101000001")},
			{name: "LANE", right: true},
			{name: "KEY", least: shownKey},
			{name: "SENT"},
		},
		row: func(event *notification.Event) []string {
			return []string{
				when(event.ReceivedAt), strconv.FormatUint(event.Sequence, 10), event.Source, event.Type,
				event.Instance, strconv.Itoa(event.Lane), event.Key[:min(len(event.Key), shownKey)], when(event.SentAt),
			}
		},
		document: func(event *notification.Event) any { return newEventDocument(event) },
	}
}

type eventDocument struct {
	Sequence             uint64    `json:"sequence"`
	Key                  string    `json:"key,omitempty"`
	Source               string    `json:"source,omitempty"`
	Type                 string    `json:"type,omitempty"`
	Instance             string    `json:"instance,omitempty"`
	OrderKey             string    `json:"order_key,omitempty"`
	Lane                 int       `json:"lane"`
	Outdated             bool      `json:"outdated,omitempty"`
	ReceivedAt           time.Time `json:"received_at,omitzero"`
	SentAt               time.Time `json:"sent_at,omitzero"`
	NotificationSequence uint64    `json:"notification_sequence,omitempty"`
	RemoteAddress        string    `json:"remote_address,omitempty"`
	RequestID            string    `json:"request_id,omitempty"`
	ContentType          string    `json:"content_type,omitempty"`
	payload
}

func newEventDocument(event *notification.Event) eventDocument {
	return eventDocument{
		Sequence: event.Sequence, Key: event.Key, Source: event.Source, Type: event.Type,
		Instance: event.Instance, OrderKey: event.OrderKey, Lane: event.Lane, Outdated: event.Outdated,
		ReceivedAt: event.ReceivedAt.UTC(), SentAt: event.SentAt.UTC(),
		NotificationSequence: event.NotificationSequence,
		RemoteAddress:        event.RemoteAddress, RequestID: event.RequestID,
		ContentType: event.ContentType, payload: newPayload(event.Body),
	}
}
