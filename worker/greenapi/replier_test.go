package greenapi_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"sluice.internal/shared/config"
	"sluice.internal/shared/greenapi/mock"
	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream/reply"
	"sluice.internal/shared/streamtest"
	"sluice.internal/worker/greenapi"
	"sluice.internal/worker/handler"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	token    = "d75b3a66374942c5b3c019c698abc2067e151558acbd412345"
	instance = "1101000001"
	chat     = "79001234567@c.us"
	// settled is longer than it takes until it can be found out what became of an answer.
	settled = 4 * time.Minute
)

// lockedBuffer keeps a log.
type lockedBuffer struct {
	mutex sync.Mutex
	text  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.text.String()
}

// bench is a store and a GREEN-API, with a clock that only the test moves.
type bench struct {
	*testing.T
	api     *mock.Instance
	sources map[string]config.Source
	records *reply.Client
	log     lockedBuffer
	alerts  []notification.Alert
	now     func() time.Time
}

// newBench makes them. At the end the token must be nowhere in the log and in no alert.
func newBench(t *testing.T) *bench {
	t.Helper()
	api := mock.New(mock.Options{})
	b := &bench{T: t, api: api.Add(instance, token), records: reply.NewClient(streamtest.Start(t).Open(t).Client), now: time.Now}
	server := httptest.NewServer(api)
	t.Cleanup(server.Close)
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(token+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b.sources = map[string]config.Source{"green-api": {Name: "green-api", Provider: "green-api", Instances: map[string]config.Instance{
		instance: {ID: instance, APIURL: server.URL, TokenFile: file},
	}}}
	t.Cleanup(func() {
		if text := b.log.String() + fmt.Sprint(b.alerts); strings.Contains(text, token) {
			t.Errorf("the token is in %s", text)
		}
	})
	return b
}

// replier is that of a worker of a group; each call makes another worker.
func (b *bench) replier(group string) *greenapi.Replier {
	accounts := greenapi.NewAccounts(b.sources)
	b.Cleanup(accounts.Close)
	return &greenapi.Replier{
		Accounts: accounts, Records: b.records, Group: group, Now: func() time.Time { return b.now().UTC() },
		Log: slog.New(slog.NewTextHandler(&b.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Alert: func(_ context.Context, alert notification.Alert) error {
			b.alerts = append(b.alerts, alert)
			return nil
		},
	}
}

// event is a message of a customer.
func event() notification.Event {
	return notification.Event{
		Origin:   notification.Origin{Source: "green-api", Provider: "green-api"},
		Identity: notification.Identity{Type: "incomingMessageReceived", Instance: instance, OrderKey: chat, Key: notification.Key("1")},
	}
}

// later moves the clock.
func (b *bench) later(by time.Duration) {
	now := b.now().Add(by)
	b.now = func() time.Time { return now }
}

// wantSent checks how many messages GREEN-API has sent.
func (b *bench) wantSent(want int) {
	b.Helper()
	if sent := b.api.Sent(); len(sent) != want {
		b.Errorf("%d messages were sent, want %d: %s", len(sent), want, sent)
	}
}

// answer answers with a text and wants no error.
func (b *bench) answer(r *greenapi.Replier, event notification.Event, number int, text string) {
	b.Helper()
	if err := r.Reply(b.Context(), event, number, text); err != nil {
		b.Fatalf("answer %d: %v", number, err)
	}
}

// wantRetry wants the answer to be tried again, no sooner than after at least, and returns the error.
func (b *bench) wantRetry(err error, least time.Duration) {
	b.Helper()
	if delay, ok := handler.RetryDelay(err); !ok || delay < least {
		b.Errorf("error %v asks for a try after %s (%t), want at least %s", err, delay, ok, least)
	}
	if err != nil && strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), token) {
		b.Errorf("the token is in %v", err)
	}
}

func TestAnswerIsSentOnceHoweverOftenTheEventComes(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.answer(b.replier("default"), event(), 1, "Hello")
	if sent := b.api.Sent(); len(sent) != 1 || string(sent[0].Body) != `{"chatId":"79001234567@c.us","message":"Hello"}` {
		t.Fatalf("sent %s", sent)
	}
	again := event()
	again.Attempt, again.Replayed, again.Round = 3, true, "replay/1"
	b.answer(b.replier("default"), again, 1, "Hello")
	b.answer(b.replier("default"), again, 1, "Hello at 12:01") // The text does not count.
	b.wantSent(1)
	b.answer(b.replier("default"), again, 2, "Anything else?")
	b.wantSent(2)
	b.answer(b.replier("billing"), event(), 1, "Hello") // Each group has answers of its own.
	b.wantSent(3)
}

func TestReplayAnswersAgainOnceWhenItIsToldTo(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.answer(b.replier("default"), event(), 1, "Hello")
	again := event()
	again.Replayed, again.AnswerAgain, again.Round = true, true, "replay/1"
	for range 2 { // Its retry is a repetition.
		b.answer(b.replier("default"), again, 1, "Hello")
		b.wantSent(2)
	}
	again.Round = "replay/2"
	b.answer(b.replier("default"), again, 1, "Hello")
	b.wantSent(3)
}

func TestWorkersWithTheSameEventAnswerOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var all sync.WaitGroup
	for range 16 {
		replier := b.replier("default")
		all.Go(func() {
			if err := replier.Reply(t.Context(), event(), 1, "Hello"); err != nil {
				if _, ok := handler.RetryDelay(err); !ok {
					t.Errorf("error %v", err)
				}
			}
		})
	}
	all.Wait()
	b.wantSent(1)
}

// What was refused was not sent, so the next try sends it at once.
func TestRefusedAnswerIsSentByTheNextTry(t *testing.T) {
	t.Parallel()
	for fault, want := range map[string]struct {
		least time.Duration
		alert string
	}{
		"429": {6 * time.Second, ""}, "401": {time.Minute, "refuses the token"}, "403": {time.Minute, "no such instance"},
		"466":        {time.Hour, "tariff"},
		"starting":   {10 * time.Second, ""},
		"expired":    {time.Minute, "expired"},
		"no-account": {time.Minute, ""},
	} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			sources := b.sources
			if fault == "no-account" {
				b.sources = map[string]config.Source{"green-api": {Name: "green-api"}}
			} else {
				b.api.Faults(mock.Fault{Method: "sendMessage", Name: fault, RetryAfter: 7})
			}
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			b.wantRetry(b.replier("default").Reply(ctx, event(), 1, "Hello"), want.least)
			if got := fmt.Sprint(b.alerts); want.alert == "" && len(b.alerts) > 0 || !strings.Contains(got, want.alert) {
				t.Errorf("told %s, want %q", got, want.alert)
			}
			b.wantSent(0)
			b.api.Faults()
			b.sources = sources
			b.answer(b.replier("default"), event(), 1, "Hello")
			b.wantSent(1)
		})
	}
}

func TestAnswerThatCanNeverBeSentIsPermanent(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.api.Faults(mock.Fault{Method: "sendMessage", Name: "400"})
	stateless, stripe := event(), event()
	stateless.OrderKey, stripe.Provider = "", "stripe"
	for name, one := range map[string]notification.Event{"refused": event(), "no chat": stateless, "another provider": stripe} {
		if err := b.replier("default").Reply(t.Context(), one, 1, "Hello"); !errors.Is(err, handler.ErrPermanent) {
			t.Errorf("%s: error %v", name, err)
		}
	}
	b.wantSent(0)
}

// The worker ended after GREEN-API had taken the answer, or the answer's answer was lost.
func TestAnswerWhoseOutcomeIsUnknownIsLookedForBeforeItIsSentAgain(t *testing.T) {
	t.Parallel()
	for _, where := range []string{"journal", "queue"} {
		t.Run(where, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.answer(b.replier("default"), event(), 9, "another one, the first in the queue")
			b.api.Faults(mock.Fault{Method: "sendMessage", Name: mock.FaultLoseAnswer})
			b.wantRetry(b.replier("default").Reply(t.Context(), event(), 1, "Hello"), settled/2)
			b.wantSent(2)
			b.api.Faults()
			b.wantRetry(b.replier("default").Reply(t.Context(), event(), 1, "Hello"), settled/2) // Too early to tell.
			b.later(settled)
			b.api.Hold(where == "queue")
			b.answer(b.replier("default"), event(), 1, "Hello again") // What it would say now does not count.
			b.answer(b.replier("default"), event(), 1, "Hello")
			b.wantSent(2)
		})
	}
}

// began has somebody begin to answer and end before anything is sent.
func (b *bench) began() {
	b.Helper()
	b.api.Faults(mock.Fault{Method: "sendMessage", Name: mock.FaultCut})
	b.wantRetry(b.replier("default").Reply(b.Context(), event(), 1, "Hello"), settled/2)
	b.api.Faults()
	b.wantSent(0)
}

func TestAnswerThatWasBegunAndNotSentIsSent(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.began()
	b.later(settled)
	b.answer(b.replier("default"), event(), 1, "Hello")
	b.answer(b.replier("default"), event(), 1, "Hello")
	b.wantSent(1)
}

// The queue hides its first message, which stays there while the instance does not send.
func TestAnswerIsNotSentAgainWhileItMayHideInTheQueue(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.began()
	b.later(settled)
	b.api.SetState("notAuthorized")
	b.wantRetry(b.replier("default").Reply(t.Context(), event(), 1, "Hello"), time.Minute)
	b.wantSent(0)
	b.api.SetState("authorized")
	b.answer(b.replier("default"), event(), 1, "Hello")
	b.wantSent(1)
}

func TestAnswerOfWhichNothingIsKnownAfterADayCountsAsSent(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.began()
	b.later(25 * time.Hour)
	b.answer(b.replier("default"), event(), 1, "Hello")
	b.wantSent(0)
	if !strings.Contains(b.log.String(), "it is not known whether an event was answered") {
		t.Errorf("logged %s", b.log.String())
	}
}

// A process that was frozen between writing down that it begins and sending leaves it to whoever has the event now.
func TestWorkerThatWasFrozenSendsNothingWhenItWakesUp(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	frozen := b.replier("default")
	began := false
	frozen.Now = func() time.Time {
		if !began {
			began = true
			return time.Now().UTC().Add(-time.Hour)
		}
		return time.Now().UTC()
	}
	if err := frozen.Reply(t.Context(), event(), 1, "Hello"); err == nil {
		t.Error("it took itself for the one who answers")
	}
	b.wantSent(0)
	b.answer(b.replier("default"), event(), 1, "Hello")
	b.wantSent(1)
}

// A handler's time may be over when GREEN-API has answered.
func TestWhatWasSentIsWrittenDownAlsoWhenTheTimeIsOver(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ctx, cancel := context.WithCancel(t.Context())
	replier := b.replier("default")
	replier.Records = &ending{Records: b.records, end: cancel}
	if err := replier.Reply(ctx, event(), 1, "Hello"); err != nil {
		t.Fatal(err)
	}
	b.answer(b.replier("default"), event(), 1, "Hello")
	b.wantSent(1)
}

// ending ends a context before the second change.
type ending struct {
	greenapi.Records
	end     context.CancelFunc
	changes int
}

func (e *ending) Change(ctx context.Context, id reply.ID, from, to reply.Record) (reply.Record, error) {
	if e.changes++; e.changes == 2 {
		e.end()
	}
	return e.Records.Change(ctx, id, from, to)
}

func TestAccountsSayAtTheStartWhichTokenIsMissing(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	accounts := greenapi.NewAccounts(b.sources)
	if err := accounts.Check(); err != nil {
		t.Error(err)
	}
	missing := b.sources["green-api"].Instances
	missing["1101000002"] = config.Instance{ID: "1101000002"}
	missing["1101000003"] = config.Instance{ID: "1101000003", TokenFile: "/no/such/file"}
	err := greenapi.NewAccounts(b.sources).Check()
	for _, want := range []string{"1101000002", "has no token_file", "1101000003", "/no/such/file", "no such file"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q in it", err, want)
		}
	}
}

// delivery is a text of an outbox.
func delivery() greenapi.Delivery {
	return greenapi.Delivery{Source: "green-api", Instance: instance, Chat: chat, Text: "Hello", WrittenAt: time.Now()}
}

func TestTextOfAnOutboxIsLookedForWhereItMayHaveBeenSent(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	accounts := greenapi.NewAccounts(b.sources)
	defer accounts.Close()
	b.api.Faults(mock.Fault{Method: "sendMessage", Name: mock.FaultLoseAnswer, Times: 1})
	one := delivery()
	err := accounts.Deliver(t.Context(), one)
	b.wantRetry(err, 2*time.Minute) // Until then the journal need not know.
	var open interface{ Unsure() bool }
	if !errors.As(err, &open) || !open.Unsure() {
		t.Errorf("whoever keeps the outbox is not told: %v", err)
	}
	one.Unsure = true
	if err := accounts.Deliver(t.Context(), one); err != nil {
		t.Error(err)
	}
	b.wantSent(1)
	one.Text = "Hello!"
	if err := accounts.Deliver(t.Context(), one); err != nil {
		t.Error(err)
	}
	b.wantSent(2)
}

func TestTextOfAnOutboxHasTheVerdictsOfGreenAPI(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	accounts := greenapi.NewAccounts(b.sources)
	defer accounts.Close()
	b.api.Faults(mock.Fault{Method: "sendMessage", Name: "400", Times: 1}, mock.Fault{Method: "sendMessage", Name: "466"})
	if err := accounts.Deliver(t.Context(), delivery()); !errors.Is(err, handler.ErrPermanent) {
		t.Errorf("error %v", err)
	}
	b.wantRetry(accounts.Deliver(t.Context(), delivery()), time.Hour)
	unknown := delivery()
	unknown.Instance = "7"
	b.wantRetry(accounts.Deliver(t.Context(), unknown), time.Minute)
	b.wantSent(0)
}
