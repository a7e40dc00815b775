package worker_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sluice.internal/shared/config"
	"sluice.internal/shared/greenapi/mock"
	"sluice.internal/shared/notification"
	"sluice.internal/worker/greenapi"
	"sluice.internal/worker/handler"
)

const answerToken = "d75b3a66374942c5b3c019c698abc2067e151558acbd412345"

// answering plays GREEN-API for the instance of the test's calls, and returns the accounts to answer with.
func (b *bench) answering() (api *mock.Instance, accounts *greenapi.Accounts) {
	b.t.Helper()
	all := mock.New(mock.Options{})
	return all.Add("1", answerToken), b.accounts(all)
}

// accounts are those of a worker of its own, to answer with by a GREEN-API that only plays it.
func (b *bench) accounts(all *mock.API) *greenapi.Accounts {
	b.t.Helper()
	server := httptest.NewServer(all)
	accounts := greenapi.NewAccounts(map[string]config.Source{"green-api": {Instances: map[string]config.Instance{
		"1": {APIURL: server.URL, Token: config.NewSecret(answerToken)},
	}}})
	b.t.Cleanup(func() {
		accounts.Close()
		server.Close()
		if strings.Contains(b.log.String(), answerToken) {
			b.t.Error("the token is in the log")
		}
	})
	return accounts
}

// answers is a registry whose handler answers twice and then does something else.
func answers(then func(context.Context, handler.Event[struct{}]) error) *handler.Registry {
	registry := handler.New()
	handler.Register(registry, "green-api", "incomingCall", func(ctx context.Context, event handler.Event[struct{}]) error {
		for _, text := range []string{"Hello", "We call you back"} {
			if err := event.Reply(ctx, text); err != nil {
				return err
			}
		}
		return then(ctx, event)
	})
	return registry
}

const answeredCall = `{"typeWebhook":"incomingCall","instanceData":{"idInstance":1,"wid":"1@c.us","typeInstance":"whatsapp"},` +
	`"timestamp":1749207600,"idMessage":"A","from":"79001234567@c.us","status":"offer"}`

// wantAnswers checks what GREEN-API was told to send.
func wantAnswers(t *testing.T, api *mock.Instance, want ...string) {
	t.Helper()
	var got []string
	for _, sent := range api.Sent() {
		got = append(got, strings.TrimPrefix(string(sent.Body), `{"chatId":"79001234567@c.us","message":`))
	}
	for i := range want {
		want[i] = `"` + want[i] + `"}`
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("sent %s, want %s", got, want)
	}
}

func TestEventThatIsTriedAgainIsNotAnsweredTwice(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	api, accounts := b.answering()
	// It takes the first answer only when it is offered again.
	api.Faults(mock.Fault{Method: "sendMessage", Name: "429", Times: 1})
	b.start(settings{Accounts: accounts, Retries: soon(), Handlers: answers(func(_ context.Context, event handler.Event[struct{}]) error {
		if event.Attempt < 5 {
			return handler.RetryAfter(0, errors.New("the CRM is closed"))
		}
		return nil
	})})
	b.send(answeredCall)
	b.drain()
	wantAnswers(t, api, "Hello", "We call you back")
}

func TestReplayedEventIsAnsweredAgainOnlyIfTheReplaySaysSo(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	api, accounts := b.answering()
	handled := atomic.Int64{}
	b.start(settings{Accounts: accounts, Retries: soon(), Handlers: answers(func(context.Context, handler.Event[struct{}]) error {
		handled.Add(1)
		return nil
	})})
	b.send(answeredCall)
	b.drain()
	replay := func(round string, again bool) {
		event := b.events()[0]
		event.Replayed, event.AnswerAgain = true, again
		if err := b.streams.Redeliver(b.context(), "default", event, round); err != nil {
			t.Fatal(err)
		}
		b.drain()
	}
	replay("replay/1", false)
	wantAnswers(t, api, "Hello", "We call you back")
	replay("replay/2", true)
	wantAnswers(t, api, "Hello", "We call you back", "Hello", "We call you back")
	if handled.Load() != 3 {
		t.Errorf("handled %d times", handled.Load())
	}
}

func TestEventWhoseWorkerEndedAfterTheAnswerIsNotAnsweredTwice(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	api, accounts := b.answering()
	answered := make(chan struct{})
	stop := b.start(settings{Accounts: accounts, ShutdownTimeout: time.Millisecond, Handlers: answers(
		func(ctx context.Context, _ handler.Event[struct{}]) error {
			close(answered)
			<-ctx.Done()
			return ctx.Err()
		},
	)})
	b.send(answeredCall)
	<-answered
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	var seen notification.Event
	b.start(settings{Accounts: accounts, Handlers: answers(func(_ context.Context, event handler.Event[struct{}]) error {
		seen.Key = event.Key
		return nil
	})})
	b.drain()
	wantAnswers(t, api, "Hello", "We call you back")
	if seen.Key == "" {
		t.Error("the second worker did not handle it")
	}
}

// GREEN-API counts what all workers send. Each of them learns of the others only by being refused.
func TestWorkersThatAnswerBeyondTheRateAnswerEachEventOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	all := mock.New(mock.Options{Limits: true})
	api := all.Add("1", answerToken)
	api.Faults(mock.Fault{Method: "sendMessage", Name: "429", Times: 3}) // However slow this machine is.
	registry := handler.New()
	handler.Register(registry, "green-api", "incomingCall", func(ctx context.Context, event handler.Event[struct{}]) error {
		return event.Reply(ctx, event.Key)
	})
	for range 2 {
		b.start(settings{Accounts: b.accounts(all), Handlers: registry})
	}
	const calls = 150
	var bodies []string
	for i := range calls {
		bodies = append(bodies, strings.Replace(answeredCall, "79001234567", fmt.Sprint(79001000000+i), 1))
	}
	b.send(bodies...)
	b.drain()
	sent := map[string]int{}
	for _, one := range api.Sent() {
		sent[string(one.Body)]++
	}
	if len(api.Sent()) != calls || len(sent) != calls {
		t.Errorf("%d answers of %d events, %d in all", len(sent), calls, len(api.Sent()))
	}
	if refused := api.Calls("sendMessage") - calls; refused == 0 {
		t.Error("nobody was refused, so this shows nothing")
	}
	if letters := b.deadLetters(); len(letters) > 0 {
		t.Errorf("dead letters %+v", letters)
	}
}
