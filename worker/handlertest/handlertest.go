// Package handlertest calls handlers as a worker does, without a broker: a body is read, identified and compared with the
// schema of its type, and its handler is called with what that gives.
package handlertest

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"testing"
	"time"

	"sluice.internal/schemas"
	"sluice.internal/shared/notification"
	"sluice.internal/shared/source"
	"sluice.internal/worker/handler"
)

// Notification is what a sender sends. Only Body is needed, for one of GREEN-API's.
type Notification struct {
	// Provider is the kind of sender; "green-api" by default.
	Provider string
	// Source is how it is called in the configuration; the provider by default.
	Source string
	// ContentType is the body's; "application/json" by default.
	ContentType string
	// Header are further fields of the request.
	Header http.Header
	// Body is what is sent, to the byte.
	Body string
	// ReceivedAt is when; now by default.
	ReceivedAt time.Time
	// Attempt counts the tries from 1, which is the default.
	Attempt int
	// Replayed says that somebody wants the event handled again, AnswerAgain that it is to be answered again.
	Replayed, AnswerAgain bool
	// Schemas has the schemas of one's own beside the built-in ones; nil means only these.
	Schemas *schemas.Set
}

// Result is what a call led to.
type Result struct {
	// Err is the handler's verdict: nil, a permanent error, one with a delay or another.
	Err error
	// Faults are how the body differs from its schema; the handler gets the event nevertheless.
	Faults []notification.Fault
	// Key, Type, Instance and OrderKey are what the event was found to be.
	Key, Type, Instance, OrderKey string
	// Alerts are what the handler told the operator, Log what it wrote, as text.
	Alerts []notification.Alert
	Log    string
	// Replies are the texts that the handler answered with, in their order. Nothing is sent.
	Replies []string
}

// Handle hands the notification to its handler and returns what came of it. It fails the test when the notification would
// never reach a handler: because it can't be told from noise, is several events, or has no handler in the registry. A panic of
// the handler goes through, so that the test shows where it was.
func Handle(tb testing.TB, registry *handler.Registry, n Notification) Result {
	tb.Helper()
	event, faults := read(tb, n)
	result := Result{Faults: faults, Key: event.Key, Type: event.Type, Instance: event.Instance, OrderKey: event.OrderKey}
	var mutex sync.Mutex
	var log bytes.Buffer
	handled, err := registry.Handle(tb.Context(), event, handler.Tools{
		Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})), Group: "default",
		Alert: func(_ context.Context, alert notification.Alert) error {
			mutex.Lock()
			defer mutex.Unlock()
			result.Alerts = append(result.Alerts, alert)
			return nil
		},
		Reply: func(_ context.Context, event notification.Event, _ int, text string) error {
			if event.Provider != "green-api" || event.OrderKey == "" {
				return handler.Permanent(errNoChat)
			}
			mutex.Lock()
			defer mutex.Unlock()
			result.Replies = append(result.Replies, text)
			return nil
		},
	})
	if !handled {
		tb.Fatalf("no handler for type %q of provider %q; there are handlers for %q", event.Type, event.Provider, registry.Pairs())
	}
	result.Err, result.Log = err, log.String()
	return result
}

var errNoChat = errors.New("there is no chat to answer to")

// read makes an event of a notification.
func read(tb testing.TB, n Notification) (notification.Event, []notification.Fault) {
	tb.Helper()
	provider := cmp.Or(n.Provider, "green-api")
	raw := notification.Notification{Origin: notification.Origin{
		Source: cmp.Or(n.Source, provider), Provider: provider, ContentType: cmp.Or(n.ContentType, "application/json"),
		ReceivedAt: n.ReceivedAt, Body: []byte(n.Body),
	}}
	if raw.ReceivedAt.IsZero() {
		raw.ReceivedAt = time.Now()
	}
	raw.Header = make(map[string]string, len(n.Header))
	for name := range n.Header {
		raw.Header[name] = n.Header.Get(name)
	}
	parts, fault := source.Parts(source.Providers(), &raw)
	if fault != nil {
		tb.Fatalf("the notification can't be divided: %s %s", fault.Pointer, fault.Message)
	}
	if len(parts) != 1 {
		tb.Fatalf("the notification is %d events; hand over one that is one", len(parts))
	}
	found, fault := source.Interpret(source.Providers(), parts[0])
	if fault != nil {
		tb.Fatalf("the notification would become a dead letter, unread: %s %s", fault.Pointer, fault.Message)
	}
	set := n.Schemas
	if set == nil {
		set = builtIn(tb)
	}
	faults := found.Body.Faults()
	if !found.Body.IsSchemaless() {
		_, differing := set.Validate(found.Schemas, found.Identity.Type, found.Body.Root())
		for _, fault := range differing {
			faults = append(faults, notification.Fault(fault))
		}
	}
	faults = notification.BoundFaults(faults)
	event := notification.Event{
		Origin: parts[0].Origin, Identity: found.Identity, Sequence: 1, Attempt: max(n.Attempt, 1), Replayed: n.Replayed, AnswerAgain: n.AnswerAgain, Faults: faults,
	}
	return event, faults
}

// load compiles the built-in schemas once.
var load = sync.OnceValues(schemas.Load) //nolint:gochecknoglobals // Compiling them takes longer than a test.

func builtIn(tb testing.TB) *schemas.Set {
	tb.Helper()
	set, err := load()
	if err != nil {
		tb.Fatal(err)
	}
	return set
}
