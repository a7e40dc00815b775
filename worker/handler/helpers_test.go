package handler_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/worker/handler"
)

const provider = "green-api"

var (
	sentAt     = time.Date(2026, time.March, 1, 11, 59, 58, 0, time.UTC)
	receivedAt = time.Date(2026, time.March, 1, 12, 0, 0, 123456789, time.UTC)
)

// event is an event of GREEN-API as the worker delivers it.
func event(kind, body string) notification.Event {
	return notification.Event{
		Origin: notification.Origin{
			Source:     "shop",
			Provider:   provider,
			ReceivedAt: receivedAt,
			Body:       []byte(body),
		},
		Identity: notification.Identity{Type: kind, Instance: "1101000001", Key: "key-1", SentAt: sentAt},
		Sequence: 42,
		Attempt:  1,
	}
}

// worker stands in for the worker: it keeps what is logged and alerted.
type worker struct {
	log    bytes.Buffer
	alerts []notification.Alert
	// refuse is what the operator's channel answers.
	refuse error
}

func (w *worker) tools() handler.Tools {
	return handler.Tools{
		Log: slog.New(slog.NewJSONHandler(&w.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Alert: func(_ context.Context, alert notification.Alert) error {
			w.alerts = append(w.alerts, alert)
			return w.refuse
		},
	}
}

// handle hands the event to the handlers of the package and wants it handled without an error.
func handle(t *testing.T, event notification.Event) *worker {
	t.Helper()
	w := &worker{}
	handled, err := handler.BuiltIn().Handle(t.Context(), event, w.tools())
	if !handled || err != nil {
		t.Fatalf("handled %t, error %v", handled, err)
	}
	return w
}

// line is one record of the log.
type line map[string]any

// onlyLine returns the one record that was logged, and fails when there are more or none.
func (w *worker) onlyLine(t *testing.T) line {
	t.Helper()
	text := strings.TrimSpace(w.log.String())
	var only line
	if err := json.Unmarshal([]byte(text), &only); err != nil {
		t.Fatalf("want one line in the log: %v\n%s", err, text)
	}
	return only
}

// want checks fields of the record; nil means that there must be none.
func (l line) want(t *testing.T, fields line) {
	t.Helper()
	for key, want := range fields {
		if got := l[key]; got != want {
			t.Errorf("%s is %v, want %v", key, got, want)
		}
	}
}

// sample is a body that GREEN-API documents.
type sample struct{ name, kind, body string }

func samples(tb testing.TB) []sample {
	tb.Helper()
	files, err := filepath.Glob("testdata/green-api/*.json")
	if err != nil || len(files) == 0 {
		tb.Fatalf("samples %v, error %v", files, err)
	}
	var all []sample
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			tb.Fatal(err)
		}
		document, fault := notification.Parse(body)
		if fault != nil {
			tb.Fatalf("%s %s", file, fault.Message)
		}
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		all = append(all, sample{name, document.Text("typeWebhook"), string(body)})
	}
	return all
}

// with registers one handler and nothing else.
func with[T any](kind string, handle func(context.Context, handler.Event[T]) error) *handler.Registry {
	registry := handler.New()
	handler.Register(registry, provider, kind, handle)
	return registry
}

var errOops = errors.New("oops")
