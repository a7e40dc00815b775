package handler

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"sluice.internal/shared/notification"
)

// Event is an accepted notification in the hands of its handler.
type Event[T any] struct {
	About
	// Body is the body as far as T reads it. Fields that T does not have are left out.
	Body T
}

// About is what is known of an event beside its body.
type About struct {
	// Key is the identity: equal for every try, replay and repetition of the same notification.
	Key string
	// Source is the configured name of the sender, Type the kind of notification, Instance the sender's account;
	// Instance is empty when the notification names none.
	Source, Type, Instance string
	// Provider is the kind of sender, such as "green-api".
	Provider string
	// OrderKey is what stays in order: of GREEN-API the chat, such as "79001234567@c.us"; empty when there is none.
	OrderKey string
	// Group is the group of workers that handles the event. Each group handles every event.
	Group string
	// ContentType is that of Raw, as the sender said it; empty when it did not.
	ContentType string
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
	// AnswerAgain says that whoever has the event replayed wants it answered again; Reply heeds it.
	AnswerAgain bool
	// Outdated says that a newer notification about the same thing was accepted before this one. It is set for
	// senders whose notifications come out of order and each tell the whole state; a handler may ignore it then.
	Outdated bool
	// Faults are how the body differs from its schema, and what had to be repaired to read it; nil for nearly all events. A
	// handler that can't do with what is left returns Permanent.
	Faults []notification.Fault
	// Raw is what the sender sent, to the byte. It must not be changed.
	Raw []byte
	// Log writes lines that carry source, type, instance, key, received_at and attempt already.
	Log *slog.Logger

	alert func(context.Context, notification.Alert) error
	reply func(ctx context.Context, number int, text string) error
	// replies counts the answers of this try, also through the copies that middleware hands on.
	replies *atomic.Int64
}

// Reply sends a text to the chat of the event, by the account that the event came from, which needs its token in the
// configuration (sources.<source>.instances.<instance>.token_file). It returns once GREEN-API has put the text into its queue.
// The handler returns the error, which is a verdict.
//
// Each answer of an event is sent once, however often the event is tried, repeated or replayed, unless the replay shall answer
// again (AnswerAgain). Answers are told apart by their number: the first call of a try is the first answer. So a handler answers
// in the same order in each try. What the text was does not count: an answer that was sent is not sent again with another one.
// The package worker/greenapi says what stays open when a worker is killed in between.
//
// Only events of GREEN-API that are about a chat can be answered; the error is permanent for others. Whoever answers messages
// of type outgoingAPIMessageReceived answers itself without end.
func (a About) Reply(ctx context.Context, text string) error {
	if a.reply == nil {
		return errNoReply
	}
	return a.reply(ctx, int(a.replies.Add(1)), text)
}

var errNoReply = errors.New("nothing can be sent from here")

// Alert tells the operator. The severity is one of the constants in package notification; alerts about the same
// thing have the same title, and the operator is told of them once in a while. The handler returns the error, so
// that the event is tried again.
func (a About) Alert(ctx context.Context, severity, title, detail string) error {
	return a.alert(ctx, notification.Alert{
		Severity: severity,
		Title:    title,
		Detail:   detail,
		Source:   a.Source,
		Type:     a.Type,
		Instance: a.Instance,
		At:       a.happenedAt(),
	})
}

func (a About) happenedAt() time.Time {
	if a.SentAt.IsZero() {
		return a.ReceivedAt
	}
	return a.SentAt
}

// Tools is what the worker lends to handlers. All are used by several handlers at once.
type Tools struct {
	// Log takes what handlers log. Nil discards it.
	Log *slog.Logger
	// Group is the group of workers that handles the event.
	Group string
	// Alert tells the operator. Nil tells nobody.
	Alert func(context.Context, notification.Alert) error
	// Reply sends an answer to the chat of an event. Number counts the answers of one try from 1. Nil makes each an error.
	Reply func(ctx context.Context, event notification.Event, number int, text string) error
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

func newAbout(event notification.Event, tools Tools) About {
	about := About{
		Key:         event.Key,
		Source:      event.Source,
		Type:        event.Type,
		Instance:    event.Instance,
		Provider:    event.Provider,
		OrderKey:    event.OrderKey,
		Group:       tools.Group,
		ContentType: event.ContentType,
		ReceivedAt:  event.ReceivedAt,
		SentAt:      event.SentAt,
		Sequence:    event.Sequence,
		Attempt:     event.Attempt,
		Replayed:    event.Replayed,
		AnswerAgain: event.AnswerAgain,
		Outdated:    event.Outdated,
		Faults:      event.Faults,
		Raw:         event.Body,
		Log:         tools.Log,
		alert:       tools.Alert,
		replies:     &atomic.Int64{},
	}
	if tools.Reply != nil {
		about.reply = func(ctx context.Context, number int, text string) error { return tools.Reply(ctx, event, number, text) }
	}
	return about
}
