package handler_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	jsonv1 "github.com/go-json-experiment/json/v1"

	"sluice.internal/shared/notification"
	"sluice.internal/worker/handler"
)

type order struct {
	Number int `json:"number"`
}

func TestHandlerGetsTheWholeEvent(t *testing.T) {
	t.Parallel()
	var got handler.Event[order]
	registry := with("orderPlaced", func(_ context.Context, event handler.Event[order]) error {
		got = event
		return nil
	})
	sent := event("orderPlaced", `{"number":7,"more":true}`)
	handled, err := registry.Handle(t.Context(), sent, handler.Tools{})
	if !handled || err != nil {
		t.Fatalf("handled %t, error %v", handled, err)
	}
	if got.Key != "key-1" || got.Source != "shop" || got.Type != "orderPlaced" || got.Instance != "1101000001" {
		t.Errorf("names of %+v", got)
	}
	if !got.ReceivedAt.Equal(receivedAt) || !got.SentAt.Equal(sentAt) || got.Sequence != 42 || got.Attempt != 1 {
		t.Errorf("times and numbers of %+v", got)
	}
	if got.Body.Number != 7 || !bytes.Equal(got.Raw, sent.Body) {
		t.Errorf("body %+v, raw %s", got.Body, got.Raw)
	}
}

func TestEventWithoutHandlerIsNotHandled(t *testing.T) {
	t.Parallel()
	unknown := event("somethingNew", `{}`)
	elsewhere := event("incomingCall", `{}`)
	elsewhere.Provider = "other"
	for _, event := range []notification.Event{unknown, elsewhere, {}} {
		w := &worker{}
		handled, err := handler.BuiltIn().Handle(t.Context(), event, w.tools())
		if handled || err != nil || w.log.Len() > 0 {
			t.Errorf("handled %t, error %v, log %s", handled, err, &w.log)
		}
	}
	if handled, err := new(handler.Registry).Handle(t.Context(), unknown, handler.Tools{}); handled || err != nil {
		t.Errorf("no registry at all: handled %t, error %v", handled, err)
	}
}

func TestHandlersErrorIsTheVerdict(t *testing.T) {
	t.Parallel()
	registry := with("orderPlaced", func(context.Context, handler.Event[order]) error { return errOops })
	if handled, err := registry.Handle(t.Context(), event("orderPlaced", `{}`), handler.Tools{}); !handled || !errors.Is(err, errOops) {
		t.Errorf("handled %t, error %v", handled, err)
	}
}

func TestBodyThatDoesNotFitIsPermanentAndNamesTheType(t *testing.T) {
	t.Parallel()
	registry := with("orderPlaced", func(context.Context, handler.Event[order]) error {
		t.Error("the handler was called")
		return nil
	})
	for _, body := range []string{`{"number":"seven"}`, `[]`, `{`, ``, `{} {}`, "\xff", `{"number":1e99}`} {
		handled, err := registry.Handle(t.Context(), event("orderPlaced", body), handler.Tools{})
		if !handled || !errors.Is(err, handler.ErrPermanent) {
			t.Errorf("%q: handled %t, error %v; want a permanent error", body, handled, err)
			continue
		}
		for _, part := range []string{`"orderPlaced"`, "handler_test.order"} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%q: error %q does not name %s", body, err, part)
			}
		}
	}
}

func TestCauseOfABodyThatDoesNotFitIsKept(t *testing.T) {
	t.Parallel()
	registry := with("orderPlaced", func(context.Context, handler.Event[order]) error { return nil })
	_, err := registry.Handle(t.Context(), event("orderPlaced", `{"number":"seven"}`), handler.Tools{})
	if cause, ok := errors.AsType[*jsonv1.UnmarshalTypeError](err); !ok || cause.Field != "number" {
		t.Errorf("error %v, want the cause in it", err)
	}
}

func TestNumbersOfOpenTypesKeepTheirDigits(t *testing.T) {
	t.Parallel()
	var body map[string]any
	registry := with("orderPlaced", func(_ context.Context, event handler.Event[map[string]any]) error {
		body = event.Body
		return nil
	})
	if _, err := registry.Handle(t.Context(), event("orderPlaced", `{"id":115297976845823798}`), handler.Tools{}); err != nil {
		t.Fatal(err)
	}
	if body["id"] != json.Number("115297976845823798") {
		t.Errorf("id is %v", body["id"])
	}
}

func TestNumbersAsWrittenKeepTheirDigits(t *testing.T) {
	t.Parallel()
	type ids struct {
		ID   json.Number   `json:"id"`
		More []json.Number `json:"more"`
	}
	var body ids
	registry := with("orderPlaced", func(_ context.Context, event handler.Event[ids]) error {
		body = event.Body
		return nil
	})
	if _, err := registry.Handle(t.Context(), event("orderPlaced", `{"id":115297976845823798,"more":[1.10,null]}`), handler.Tools{}); err != nil {
		t.Fatal(err)
	}
	if body.ID != "115297976845823798" || body.More[0] != "1.10" || body.More[1] != "" {
		t.Errorf("body is %+v", body)
	}
}

// A handler sees the fields that schema and identity saw, and no other spelling of them.
func TestNamesOfFieldsCountAsTheyAreWritten(t *testing.T) {
	t.Parallel()
	var body order
	registry := with("orderPlaced", func(_ context.Context, event handler.Event[order]) error {
		body = event.Body
		return nil
	})
	for _, sent := range []string{`{"number":1,"NUMBER":2}`, `{"NUMBER":2,"number":1}`, `{"number":1,"\u006eumbeR":2}`} {
		if _, err := registry.Handle(t.Context(), event("orderPlaced", sent), handler.Tools{}); err != nil {
			t.Fatal(err)
		}
		if body.Number != 1 {
			t.Errorf("%s: number is %d", sent, body.Number)
		}
	}
}

func TestAlertsOfAnEventWithoutSenderTimeHaveTheTimeOfReceipt(t *testing.T) {
	t.Parallel()
	w := &worker{}
	registry := with("orderPlaced", func(ctx context.Context, event handler.Event[order]) error {
		return event.Alert(ctx, notification.SeverityWarning, "Title", "Detail.")
	})
	timeless := event("orderPlaced", `{}`)
	timeless.SentAt = time.Time{}
	if _, err := registry.Handle(t.Context(), timeless, w.tools()); err != nil {
		t.Fatal(err)
	}
	want := notification.Alert{
		Severity: notification.SeverityWarning, Title: "Title", Detail: "Detail.",
		Source: "shop", Type: "orderPlaced", Instance: "1101000001", At: receivedAt,
	}
	if len(w.alerts) != 1 || w.alerts[0] != want {
		t.Errorf("alerts %+v, want %+v", w.alerts, want)
	}
}

func TestNoToolsMeanNoLogAndNoAlert(t *testing.T) {
	t.Parallel()
	handled, err := handler.BuiltIn().Handle(t.Context(), event("stateInstanceChanged", `{"stateInstance":"blocked"}`), handler.Tools{})
	if !handled || err != nil {
		t.Errorf("handled %t, error %v", handled, err)
	}
}

func TestHandlersOwnLinesNameTheEvent(t *testing.T) {
	t.Parallel()
	w := &worker{}
	registry := with("orderPlaced", func(_ context.Context, event handler.Event[order]) error {
		event.Log.Info("hello", slog.Int("number", event.Body.Number))
		return nil
	})
	if _, err := registry.Handle(t.Context(), event("orderPlaced", `{"number":7}`), w.tools()); err != nil {
		t.Fatal(err)
	}
	w.onlyLine(t).want(t, line{"msg": "hello", "number": 7.0, "key": "key-1", "type": "orderPlaced", "source": "shop"})
}
