package cli_test

import (
	"context"
	"fmt"
	"io/fs"
	"sync"
	"testing"
	"time"

	"sluice.internal/schemas"
	"sluice.internal/shared/config"
	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream/admin"
	"sluice.internal/shared/streamtest"
	"sluice.internal/worker"
	"sluice.internal/worker/handler"
)

// handlers calls one function for every event.
type handlers func(event notification.Event) error

func (h handlers) Handle(_ context.Context, event notification.Event, _ handler.Tools) (bool, error) {
	return true, h(event)
}

func (handlers) Types() []string { return nil }

func (handlers) Timeout(string, string) time.Duration { return 0 }

// working runs a worker of the group "billing" until the test ends or stop is called. It tries once only. Layers of
// schemas come over those that are built in.
func working(t *testing.T, server *streamtest.Server, handle handlers, layers ...fs.FS) (stop func()) {
	t.Helper()
	set, err := schemas.LoadFS(append([]fs.FS{schemas.BuiltIn()}, layers...)...)
	if err != nil {
		t.Fatal(err)
	}
	cfg := config.Default()
	cfg.Worker.Group, cfg.Worker.RetryFor = "billing", time.Nanosecond
	w, err := worker.New(testContext(t), cfg, worker.Parts{
		Handlers: handle, Schemas: set, RetryDelays: &worker.RetryDelays{First: time.Millisecond, Longest: time.Hour},
	}, server.Open(t).Client, discard())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// aCall is a valid notification of a chat, told apart by its id.
func aCall(chat int, id string) string {
	return fmt.Sprintf(`{"typeWebhook":"incomingCall","instanceData":{"idInstance":1101000001,"wid":"1@c.us",`+
		`"typeInstance":"whatsapp"},"from":"%d@c.us","idMessage":%q,"timestamp":1700000000}`, chat, id)
}

// eventually waits until something holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	ctx := testContext(t)
	for !holds() {
		select {
		case <-ctx.Done():
			t.Fatalf("never: %s", what)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func all[T any](t *testing.T, items func(func(T, error) bool)) []T {
	t.Helper()
	var found []T
	for item, err := range items {
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, item)
	}
	return found
}

func deadLettersIn(t *testing.T, streams *streamtest.Streams) []notification.DeadLetter {
	t.Helper()
	return all(t, streams.DeadLetters(testContext(t), admin.Query{}))
}

func operationsIn(t *testing.T, streams *streamtest.Streams) []notification.Operation {
	t.Helper()
	return all(t, streams.Operations(testContext(t), admin.Query{}))
}
