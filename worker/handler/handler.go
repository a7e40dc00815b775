// Package handler gives notifications their meaning: one file per type, each with the part of the body that
// matters, its registration and a function that does the work:
//
//	// IncomingCall tells that somebody is calling the account.
//	type IncomingCall struct {
//		From   string `json:"from"`
//		Status string `json:"status"`
//	}
//
//	func init() { register("incomingCall", incomingCall) }
//
//	func incomingCall(ctx context.Context, event Event[IncomingCall]) error { … }
//
// That file and a schema of the same name are all that a new type needs. A string is right where the schema demands
// one; [Text] and [Loose] are for what senders write now this way, now that.
//
// The returned error is the verdict: nil means handled, [Permanent] makes a dead letter at once, [RetryAfter] and
// any other error mean another try. A panic is an error, and so is a body that does not fit the struct, that one
// permanent.
//
// The same event comes again when a worker dies before its verdict is stored, when a try failed, or when somebody
// replays it. Its Key stays the same, so an effect that must happen once is tied to the key. Events of one chat
// come one after another, unless a group is configured otherwise or an event waits for a later try. Events of
// different chats are handled at the same time, so handlers share no unguarded state.
//
// A handler knows no queue, no HTTP server and no environment. It gets what it needs in the [Event], and it logs
// what happened but never what people wrote to each other.
package handler

import (
	"context"
	"log/slog"
	"time"

	"sluice.internal/shared/notification"
)

// Event is an accepted notification in the hands of its handler.
type Event[T any] struct {
	// Key is the identity: equal for every try, replay and repetition of the same notification.
	Key string
	// Source is the configured name of the sender, Type the kind of notification, Instance the sender's account;
	// Instance is empty when the notification names none.
	Source, Type, Instance string
	// ReceivedAt is when the gateway had read the request.
	ReceivedAt time.Time
	// SentAt is the sender's own time, zero when the notification has none.
	SentAt time.Time
	// Sequence is the place in the stream of events.
	Sequence uint64
	// Attempt counts the deliveries to handlers, from 1.
	Attempt int
	// Replayed says that the event may have been handled before and that somebody wants it handled again.
	Replayed bool
	// Outdated says that a newer notification about the same thing was accepted before this one. It is set for
	// senders whose notifications come out of order and each tell the whole state; a handler may ignore it then.
	Outdated bool
	// Body is the body as far as T reads it. Fields that T does not have are left out.
	Body T
	// Raw is what the sender sent, to the byte. It must not be changed.
	Raw []byte
	// Log writes lines that carry source, type, instance, key, received_at and attempt already.
	Log *slog.Logger

	alert func(context.Context, notification.Alert) error
}

// Alert tells the operator. The severity is one of the constants in package notification; alerts about the same
// thing have the same title, and the operator is told of them once in a while. The handler returns the error, so
// that the event is tried again.
func (e Event[T]) Alert(ctx context.Context, severity, title, detail string) error {
	return e.alert(ctx, notification.Alert{
		Severity: severity,
		Title:    title,
		Detail:   detail,
		Source:   e.Source,
		Type:     e.Type,
		Instance: e.Instance,
		At:       e.happenedAt(),
	})
}

func (e Event[T]) happenedAt() time.Time {
	if e.SentAt.IsZero() {
		return e.ReceivedAt
	}
	return e.SentAt
}

// Tools is what the worker lends to handlers. Both are used by several handlers at once.
type Tools struct {
	// Log takes what handlers log. Nil discards it.
	Log *slog.Logger
	// Alert tells the operator. Nil tells nobody.
	Alert func(context.Context, notification.Alert) error
}

// about fills what is missing and makes every line name the event.
func (t Tools) about(event notification.Event) Tools {
	if t.Log == nil {
		t.Log = slog.New(slog.DiscardHandler)
	}
	if t.Alert == nil {
		t.Alert = func(context.Context, notification.Alert) error { return nil }
	}
	t.Log = t.Log.With(
		"source", event.Source,
		"type", event.Type,
		"instance", event.Instance,
		"key", event.Key,
		"received_at", event.ReceivedAt,
		"attempt", event.Attempt,
	)
	return t
}

func newEvent[T any](event notification.Event, body T, tools Tools) Event[T] {
	return Event[T]{
		Key:        event.Key,
		Source:     event.Source,
		Type:       event.Type,
		Instance:   event.Instance,
		ReceivedAt: event.ReceivedAt,
		SentAt:     event.SentAt,
		Sequence:   event.Sequence,
		Attempt:    event.Attempt,
		Replayed:   event.Replayed,
		Outdated:   event.Outdated,
		Body:       body,
		Raw:        event.Body,
		Log:        tools.Log,
		alert:      tools.Alert,
	}
}
