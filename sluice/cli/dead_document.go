package cli

import (
	"time"

	"sluice.internal/shared/notification"
)

// deadLetterDocument is a dead letter as --json prints it. Sequence is that of the dead letter.
type deadLetterDocument struct {
	Sequence uint64 `json:"sequence"`
	eventFields
	// Group gave the event up. It is empty for what was invalid and never became an event.
	Group string `json:"group,omitempty"`
	// Reason is one of notification's Reason constants, Error a sentence, Faults everything that its schema found.
	Reason string               `json:"reason,omitempty"`
	Error  string               `json:"error,omitempty"`
	Faults []notification.Fault `json:"faults,omitempty"`
	// Attempt counts the tries, History has the last of them with their errors.
	Attempt       int                `json:"attempt,omitempty"`
	History       []notification.Try `json:"history,omitempty"`
	FirstFailedAt time.Time          `json:"first_failed_at,omitzero"`
	// Round names the replay or second try that the event was on, empty for the first.
	Round    string `json:"round,omitempty"`
	Replayed bool   `json:"replayed,omitempty"`
	// EventSequence is the place in EVENTS, 0 when it never was an event.
	EventSequence uint64            `json:"event_sequence,omitempty"`
	DiedAt        time.Time         `json:"died_at,omitzero"`
	TraceParent   string            `json:"traceparent,omitempty"`
	Headers       map[string]string `json:"headers,omitempty"`
	// ContentEncoding is set when the gateway could not undo it: the body is still encoded then.
	ContentEncoding string `json:"content_encoding,omitempty"`
	// BodySize and BodySHA256 stand for a body that is too large to be kept as a dead letter: the raw notification has it.
	BodySize   int    `json:"body_size,omitempty"`
	BodySHA256 string `json:"body_sha256,omitempty"`
	payload
}

// newDeadLetterDocument has all that the store has, so that a script needs no second request.
func newDeadLetterDocument(d *notification.DeadLetter) deadLetterDocument {
	return deadLetterDocument{
		Sequence: d.DeadSequence, eventFields: newEventFields(&d.Event), Group: d.Group,
		Reason: d.Reason, Error: d.Error, Faults: d.Faults,
		Attempt: d.Attempt, History: d.History, FirstFailedAt: d.FirstFailedAt.UTC(), Round: d.Round, Replayed: d.Replayed,
		EventSequence: d.Sequence, DiedAt: d.DiedAt.UTC(), TraceParent: d.TraceParent, Headers: d.Header,
		ContentEncoding: d.ContentEncoding, BodySize: d.BodySize, BodySHA256: d.BodySHA256,
		payload: newPayload(d.Body),
	}
}
