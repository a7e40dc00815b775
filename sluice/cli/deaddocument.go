package cli

import (
	"time"

	"sluice.internal/shared/notification"
)

// deadDocument is a dead letter as --json prints it.
type deadDocument struct {
	Sequence             uint64               `json:"sequence"`
	Key                  string               `json:"key,omitempty"`
	Source               string               `json:"source,omitempty"`
	Type                 string               `json:"type,omitempty"`
	Instance             string               `json:"instance,omitempty"`
	OrderKey             string               `json:"order_key,omitempty"`
	Group                string               `json:"group,omitempty"`
	Reason               string               `json:"reason,omitempty"`
	Error                string               `json:"error,omitempty"`
	Faults               []notification.Fault `json:"faults,omitempty"`
	Attempt              int                  `json:"attempt,omitempty"`
	History              []notification.Try   `json:"history,omitempty"`
	FirstFailedAt        time.Time            `json:"first_failed_at,omitzero"`
	Round                string               `json:"round,omitempty"`
	Replayed             bool                 `json:"replayed,omitempty"`
	EventSequence        uint64               `json:"event_sequence,omitempty"`
	NotificationSequence uint64               `json:"notification_sequence,omitempty"`
	ReceivedAt           time.Time            `json:"received_at,omitzero"`
	DiedAt               time.Time            `json:"died_at,omitzero"`
	SentAt               time.Time            `json:"sent_at,omitzero"`
	RemoteAddress        string               `json:"remote_address,omitempty"`
	RequestID            string               `json:"request_id,omitempty"`
	TraceParent          string               `json:"traceparent,omitempty"`
	Headers              map[string]string    `json:"headers,omitempty"`
	ContentType          string               `json:"content_type,omitempty"`
	ContentEncoding      string               `json:"content_encoding,omitempty"`
	payload
}

func newDeadDocument(letter *notification.DeadLetter) deadDocument {
	return deadDocument{
		Sequence: letter.DeadSequence, Key: letter.Key, Source: letter.Source, Type: letter.Type,
		Instance: letter.Instance, OrderKey: letter.OrderKey, Group: letter.Group,
		Reason: letter.Reason, Error: letter.Error, Faults: letter.Faults,
		Attempt: letter.Attempt, History: letter.History, FirstFailedAt: letter.FirstFailedAt.UTC(),
		Round: letter.Round, Replayed: letter.Replayed,
		EventSequence: letter.Sequence, NotificationSequence: letter.NotificationSequence,
		ReceivedAt: letter.ReceivedAt.UTC(), DiedAt: letter.DiedAt.UTC(), SentAt: letter.SentAt.UTC(),
		RemoteAddress: letter.RemoteAddress, RequestID: letter.RequestID, TraceParent: letter.TraceParent,
		Headers: letter.Header, ContentType: letter.ContentType, ContentEncoding: letter.ContentEncoding,
		payload: newPayload(letter.Body),
	}
}
