package handlertest_test

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"sluice.internal/worker/handler"
	"sluice.internal/worker/handlertest"
)

const incoming = `{"typeWebhook":"incomingMessageReceived","instanceData":{"idInstance":1101000001,"wid":"79001234567@c.us","typeInstance":"whatsapp"},
"timestamp":1749207600,"idMessage":"BAE5","senderData":{"chatId":"79007654321@c.us","sender":"79007654321@c.us"},
"messageData":{"typeMessage":"textMessage","textMessageData":{"textMessage":"hello"}}}`

func TestHandlerGetsWhatAWorkerWouldHandIt(t *testing.T) {
	t.Parallel()
	registry := handler.New()
	handler.Register(registry, "green-api", "incomingMessageReceived", func(ctx context.Context, event handler.Event[handler.Document]) error {
		event.Log.Info("seen", "attempt", event.Attempt)
		if err := event.Alert(ctx, "warning", "look", "at this"); err != nil {
			return err
		}
		return handler.RetryAfter(time.Minute, errors.New("not now"))
	})
	result := handlertest.Handle(t, registry, handlertest.Notification{Body: incoming, Attempt: 2})
	if delay, _ := handler.RetryDelay(result.Err); delay != time.Minute {
		t.Errorf("verdict %v", result.Err)
	}
	if result.Key == "" || result.Instance != "1101000001" || result.OrderKey != "79007654321@c.us" || len(result.Faults) > 0 {
		t.Errorf("it is %+v", result)
	}
	if len(result.Alerts) != 1 || result.Alerts[0].Title != "look" || !strings.Contains(result.Log, "attempt=2") {
		t.Errorf("alerts %+v, log %s", result.Alerts, result.Log)
	}
}

func TestDriftIsInTheResult(t *testing.T) {
	t.Parallel()
	result := handlertest.Handle(t, handler.BuiltIn(), handlertest.Notification{Body: strings.Replace(incoming, `"idMessage":"BAE5",`, "", 1)})
	if result.Err != nil || len(result.Faults) != 1 {
		t.Errorf("verdict %v, faults %+v", result.Err, result.Faults)
	}
}

func TestTypeOfAnotherProviderMayBeInTheHeader(t *testing.T) {
	t.Parallel()
	registry := handler.New()
	handler.Register(registry, "github", "push", func(context.Context, handler.Event[handler.Document]) error { return nil })
	result := handlertest.Handle(t, registry, handlertest.Notification{
		Provider: "github", Header: http.Header{"X-Github-Event": {"push"}, "X-Github-Delivery": {"1-2"}}, Body: `{"ref":"main"}`,
	})
	if result.Err != nil || result.Type != "push" {
		t.Errorf("it is %+v", result)
	}
}

// failing is a test that notes that it was failed.
type failing struct {
	testing.TB
	said string
}

func (f *failing) Helper() {}

func (f *failing) Context() context.Context { return context.Background() }

func (f *failing) Fatalf(format string, _ ...any) {
	f.said = format
	panic(f)
}

func TestWhatReachesNoHandlerFailsTheTest(t *testing.T) {
	t.Parallel()
	for want, n := range map[string]handlertest.Notification{
		"no handler":  {Body: strings.Replace(incoming, "incomingMessageReceived", "somethingNew", 1)},
		"dead letter": {Body: `[]`},
	} {
		f := &failing{TB: t}
		func() {
			defer func() { _ = recover() }()
			handlertest.Handle(f, handler.BuiltIn(), n)
		}()
		if !strings.Contains(f.said, want) {
			t.Errorf("%s: the test was told %q", want, f.said)
		}
	}
}

func TestAnswersAreInTheResult(t *testing.T) {
	t.Parallel()
	registry := handler.New()
	answer := func(ctx context.Context, event handler.Event[handler.Document]) error {
		return errors.Join(event.Reply(ctx, "hello"), event.Reply(ctx, "again: "+strconv.FormatBool(event.AnswerAgain)))
	}
	handler.Register(registry, "green-api", "incomingMessageReceived", answer)
	handler.Register(registry, "github", "push", answer)
	result := handlertest.Handle(t, registry, handlertest.Notification{Body: incoming, AnswerAgain: true})
	if result.Err != nil || strings.Join(result.Replies, ", ") != "hello, again: true" {
		t.Errorf("answered %q, verdict %v", result.Replies, result.Err)
	}
	result = handlertest.Handle(t, registry, handlertest.Notification{
		Provider: "github", Header: http.Header{"X-Github-Event": {"push"}, "X-Github-Delivery": {"1-2"}}, Body: `{"ref":"main"}`,
	})
	if !errors.Is(result.Err, handler.ErrPermanent) || len(result.Replies) > 0 {
		t.Errorf("what has no chat is answered %q, verdict %v", result.Replies, result.Err)
	}
}
