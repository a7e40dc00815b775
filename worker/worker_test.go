package worker_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"sluice.internal/schemas"
	"sluice.internal/shared/notification"
	"sluice.internal/shared/source"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/streamtest"
	"sluice.internal/worker"
	"sluice.internal/worker/handler"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 30 * time.Second

// bench is a store with a worker on it.
type bench struct {
	t       *testing.T
	server  *streamtest.Server
	streams *stream.Streams
	log     *buffer
	sent    atomic.Int64
}

func newBench(t *testing.T) *bench {
	t.Helper()
	server := streamtest.Start(t)
	b := &bench{t: t, server: server, log: &buffer{}}
	log := slog.New(slog.NewTextHandler(b.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	b.streams = server.OpenLogged(t, stream.Settings{Lanes: 8}, log)
	return b
}

func (b *bench) context() context.Context {
	ctx, cancel := context.WithTimeout(b.t.Context(), patience)
	b.t.Cleanup(cancel)
	return ctx
}

// start runs a worker until stop is called, which returns what Run returned.
func (b *bench) start(settings worker.Settings) (stop func() error) {
	b.t.Helper()
	set, err := schemas.Load()
	if err != nil {
		b.t.Fatal(err)
	}
	settings.Schemas, settings.Providers = set, source.Providers()
	if settings.Handlers == nil {
		settings.Handlers = handler.All()
	}
	log := slog.New(slog.NewTextHandler(b.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	w, err := worker.New(b.context(), settings, b.server.OpenLogged(b.t, stream.Settings{}, log), log)
	if err != nil {
		b.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	stop = sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
	b.t.Cleanup(func() {
		if err := stop(); err != nil {
			b.t.Error(err)
		}
	})
	return stop
}

// send publishes bodies as a gateway does.
func (b *bench) send(bodies ...string) {
	b.t.Helper()
	provider := source.Providers()["green-api"]
	for _, body := range bodies {
		n := &notification.Notification{
			Source: "green-api", Provider: "green-api", ReceivedAt: time.Now().UTC(),
			RequestID: fmt.Sprintf("%s-%d", b.t.Name(), b.sent.Add(1)), Body: []byte(body),
		}
		n.Type, n.Instance = provider.Peek(n)
		if _, err := b.streams.PublishNotification(b.context(), n); err != nil {
			b.t.Fatal(err)
		}
	}
}

// drain waits until nothing is left to do.
func (b *bench) drain() {
	b.t.Helper()
	ctx := b.context()
	for {
		status, err := b.streams.Status(ctx)
		if err != nil {
			b.t.Fatal(err)
		}
		left := status.Intake.Waiting + status.Intake.UnderWay
		for _, group := range status.Groups {
			left += group.Waiting + group.UnderWay
		}
		left += usage(status, stream.Retries).Messages
		if left == 0 {
			return
		}
	}
}

func (b *bench) events() []notification.Event {
	return collect(b.t, b.streams.Events(b.context(), stream.Query{}))
}

func (b *bench) deadLetters() []notification.DeadLetter {
	return collect(b.t, b.streams.DeadLetters(b.context(), stream.Query{}))
}

func (b *bench) alerts() uint64 {
	b.t.Helper()
	status, err := b.streams.Status(b.context())
	if err != nil {
		b.t.Fatal(err)
	}
	return usage(status, stream.Alerts).Messages
}

func usage(status stream.Status, name string) stream.Usage {
	return status.Streams[slices.IndexFunc(status.Streams, func(u stream.Usage) bool { return u.Name == name })]
}

func collect[T any](t *testing.T, read func(func(T, error) bool)) []T {
	t.Helper()
	var all []T
	for value, err := range read {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, value)
	}
	return all
}

// buffer is a log that may be read while it is written.
type buffer struct {
	mutex sync.Mutex
	bytes bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.bytes.Write(p)
}

func (b *buffer) String() string {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.bytes.String()
}

// handlers calls one function for every event.
type handlers func(ctx context.Context, event notification.Event) error

func (h handlers) Handle(ctx context.Context, event notification.Event, _ handler.Tools) (bool, error) {
	return true, h(ctx, event)
}

func (handlers) Types() []string { return []string{"*"} }

func samples(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("handler/testdata/green-api/*.json")
	if err != nil || len(files) < 40 {
		t.Fatalf("found %d samples, error %v", len(files), err)
	}
	var bodies []string
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		bodies = append(bodies, string(body))
	}
	return bodies
}

const call = `{"typeWebhook":"incomingCall","instanceData":{"idInstance":%d,"wid":"1@c.us","typeInstance":"whatsapp"},"from":"2@c.us","idMessage":"%s","timestamp":1700000000}`

func TestEverySampleBecomesOneEventHoweverOftenItComes(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.start(worker.Settings{})
	bodies := samples(t)
	b.send(bodies...)
	b.send(bodies...)
	b.drain()
	if got := len(b.events()); got != len(bodies) {
		t.Errorf("%d samples made %d events", len(bodies), got)
	}
	for _, letter := range b.deadLetters() {
		t.Errorf("dead letter: %s %s", letter.Type, letter.Error)
	}
}

func TestInvalidNotificationBecomesADeadLetterThatNamesEveryFault(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.start(worker.Settings{})
	b.send(`{"typeWebhook":"incomingCall"}`)
	b.drain()
	letters := b.deadLetters()
	if len(letters) != 1 || len(b.events()) != 0 {
		t.Fatalf("%d dead letters and %d events, want 1 and 0", len(letters), len(b.events()))
	}
	var pointers []string
	for _, fault := range letters[0].Faults {
		pointers = append(pointers, fault.Pointer)
	}
	if want := []string{"/from", "/idMessage", "/instanceData"}; !slices.Equal(pointers, want) {
		t.Errorf("faults at %v, want %v", pointers, want)
	}
	if letters[0].Reason != notification.ReasonInvalid || string(letters[0].Body) != `{"typeWebhook":"incomingCall"}` {
		t.Errorf("dead letter %+v", letters[0])
	}
	if b.alerts() != 1 || !strings.Contains(b.log.String(), "level=ERROR msg=\"notification is invalid") {
		t.Errorf("%d alerts, log:\n%s", b.alerts(), b.log)
	}
}

func TestBodiesThatNobodyExpectsBecomeDeadLetters(t *testing.T) {
	t.Parallel()
	bodies := map[string]string{
		"empty":                "",
		"not JSON":             "hello",
		"an array":             `[{"typeWebhook":"incomingCall"}]`,
		"null":                 "null",
		"a string":             `"incomingCall"`,
		"cut off":              `{"typeWebhook":"incomingCall"`,
		"invalid UTF-8":        "{\"typeWebhook\":\"incoming\xffCall\"}",
		"10,000 levels":        strings.Repeat(`{"a":`, 10_000) + "1" + strings.Repeat("}", 10_000),
		"a million levels":     strings.Repeat("[", 1_000_000),
		"no type":              `{}`,
		"a type that is none":  `{"typeWebhook":5}`,
		"an empty type":        `{"typeWebhook":""}`,
		"a number from hell":   `{"typeWebhook":"incomingCall","instanceData":{"idInstance":1e999999999}}`,
		"zero bytes":           "\x00\x00",
		"a byte order mark":    "\xef\xbb\xbf{}",
		"wrong type somewhere": `{"typeWebhook":"incomingCall","instanceData":[],"from":1,"idMessage":{}}`,
	}
	b := newBench(t)
	b.start(worker.Settings{})
	for _, body := range bodies {
		b.send(body)
	}
	b.send(fmt.Sprintf(call, 1, "A")) // The good one behind them is not held up.
	b.drain()
	var dead []string
	for _, letter := range b.deadLetters() {
		if letter.Error == "" {
			t.Errorf("%q is dead without an error", letter.Body)
		}
		dead = append(dead, string(letter.Body))
	}
	for name, body := range bodies {
		if !slices.Contains(dead, body) {
			t.Errorf("%s is no dead letter", name)
		}
	}
	if len(dead) != len(bodies) || len(b.events()) != 1 {
		t.Errorf("%d dead letters of %d, %d events of 1", len(dead), len(bodies), len(b.events()))
	}
}

func TestNewTypeIsAcceptedAndReported(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.start(worker.Settings{})
	b.send(`{"typeWebhook":"somethingNew","instanceData":{"idInstance":1},"timestamp":1700000000}`)
	b.drain()
	events := b.events()
	if len(events) != 1 || events[0].Type != "somethingNew" || len(b.deadLetters()) != 0 {
		t.Fatalf("events %+v", events)
	}
	log := b.log.String()
	if b.alerts() != 1 || !strings.Contains(log, "level=WARN msg=\"notification of a new type accepted\"") ||
		!strings.Contains(log, "level=DEBUG msg=\"no handler in this group\"") {
		t.Errorf("%d alerts, log:\n%s", b.alerts(), log)
	}
}

func TestSameMessageWithAnotherBodyIsAnotherEvent(t *testing.T) {
	t.Parallel()
	const message = `{"typeWebhook":"incomingMessageReceived","instanceData":{"idInstance":1,"wid":"","typeInstance":"whatsapp"},` +
		`"idMessage":"A","senderData":{"chatId":"2@c.us","sender":"2@c.us","senderName":""},` +
		`"messageData":{"typeMessage":"textMessage","textMessageData":{"textMessage":"%s"}}}`
	b := newBench(t)
	b.start(worker.Settings{})
	b.send(fmt.Sprintf(message, "{{SWE001}}"), fmt.Sprintf(message, "now decrypted"), fmt.Sprintf(message, "{{SWE001}}"))
	b.drain()
	events := b.events()
	if len(events) != 2 || events[0].Lane != events[1].Lane || events[0].Key == events[1].Key {
		t.Errorf("events %+v", events)
	}
}

func TestFailedHandlerIsTriedAgainAndThenBuried(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var tries atomic.Int64
	b.start(worker.Settings{
		Retries: worker.Retries{InLane: []time.Duration{time.Millisecond}, First: time.Millisecond, For: time.Second},
		Handlers: handlers(func(_ context.Context, event notification.Event) error {
			if event.Instance == "1" {
				tries.Add(1)
				return errors.New("the database is away")
			}
			return nil
		}),
	})
	b.send(fmt.Sprintf(call, 1, "A"), fmt.Sprintf(call, 2, "B"))
	b.drain()
	letters := b.deadLetters()
	if tries.Load() < 3 || len(letters) != 1 {
		t.Fatalf("%d tries and %d dead letters, want at least 3 and 1", tries.Load(), len(letters))
	}
	letter := letters[0]
	events := b.events()
	failed := events[slices.IndexFunc(events, func(event notification.Event) bool { return event.Instance == "1" })]
	if letter.Reason != notification.ReasonExhausted || letter.Error != "the database is away" || letter.Attempt != int(tries.Load()) ||
		letter.Group != "default" || letter.Key != failed.Key || letter.Sequence != failed.Sequence {
		t.Errorf("dead letter %+v", letter)
	}
}

func TestPermanentErrorIsBuriedAtOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var tries atomic.Int64
	b.start(worker.Settings{Handlers: handlers(func(context.Context, notification.Event) error {
		tries.Add(1)
		return fmt.Errorf("look at it: %w", handler.Permanent(errors.New("no such customer")))
	})})
	b.send(fmt.Sprintf(call, 1, "A"))
	b.drain()
	letters := b.deadLetters()
	if tries.Load() != 1 || len(letters) != 1 || letters[0].Reason != notification.ReasonRefused {
		t.Errorf("%d tries, dead letters %+v", tries.Load(), letters)
	}
}

func TestHandlerThatAsksForADelayGetsIt(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	tries := make(chan time.Time, 2)
	b.start(worker.Settings{
		Retries: worker.Retries{InLane: []time.Duration{time.Hour}},
		Handlers: handlers(func(_ context.Context, event notification.Event) error {
			tries <- time.Now()
			if event.Attempt == 1 {
				return handler.RetryAfter(200*time.Millisecond, errors.New("busy"))
			}
			return nil
		}),
	})
	b.send(fmt.Sprintf(call, 1, "A"))
	b.drain()
	if gap := -(<-tries).Sub(<-tries); gap < 200*time.Millisecond {
		t.Errorf("tried again after %s, want no less than 200ms", gap)
	}
}

func TestEventOfABusyHandlerIsNotHandedOutTwice(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var calls atomic.Int64
	release := make(chan struct{})
	settings := worker.Settings{Handlers: handlers(func(ctx context.Context, _ notification.Event) error {
		calls.Add(1)
		select {
		case <-release:
		case <-ctx.Done():
		}
		return nil
	})}
	b.start(settings)
	b.start(settings)
	b.send(fmt.Sprintf(call, 1, "A"))
	time.AfterFunc(10*time.Second, func() { close(release) }) // longer than a lane waits for a sign of life
	b.drain()
	if calls.Load() != 1 {
		t.Errorf("handled %d times, want once", calls.Load())
	}
}

func TestSlowChatHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	release, handled := make(chan struct{}), make(chan string, 20)
	defer close(release)
	b.start(worker.Settings{Handlers: handlers(func(ctx context.Context, event notification.Event) error {
		if event.Instance == "0" {
			select {
			case <-release:
			case <-ctx.Done():
			}
		}
		handled <- event.Instance
		return nil
	})})
	b.send(fmt.Sprintf(call, 0, "slow"))
	slow := b.lane(0)
	for instance := 1; len(handled) < 3 && instance < 20; instance++ {
		b.send(fmt.Sprintf(call, instance, "fast"))
		if b.lane(instance) == slow {
			continue
		}
		select {
		case got := <-handled:
			if got != fmt.Sprint(instance) {
				t.Errorf("handled %s, want %d", got, instance)
			}
		case <-b.context().Done():
			t.Fatalf("instance %d waits for another chat", instance)
		}
	}
}

// lane waits for the instance's event and returns its lane.
func (b *bench) lane(instance int) int {
	b.t.Helper()
	query := stream.Query{Instance: fmt.Sprint(instance), Follow: true}
	for event, err := range b.streams.Events(b.context(), query) {
		if err != nil {
			b.t.Fatal(err)
		}
		return event.Lane
	}
	b.t.Fatal("the event did not come")
	return 0
}

func TestNothingIsHalfHandledWhenAWorkerStopsUnderLoad(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var begun, ended atomic.Int64
	settings := worker.Settings{Handlers: handlers(func(context.Context, notification.Event) error {
		begun.Add(1)
		time.Sleep(time.Millisecond)
		ended.Add(1)
		return nil
	})}
	stop := b.start(settings)
	for i := range 300 {
		b.send(fmt.Sprintf(call, i%7, fmt.Sprint(i)))
		if i == 150 {
			if err := stop(); err != nil {
				t.Fatal(err)
			}
			if begun.Load() != ended.Load() {
				t.Errorf("%d begun and %d ended", begun.Load(), ended.Load())
			}
		}
	}
	b.start(settings)
	b.drain()
	if ended.Load() != 300 {
		t.Errorf("handled %d times, want 300: none twice, none never", ended.Load())
	}
}

func TestHandlerThatDoesNotHeedTheEndHoldsUpNoStop(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	release, running := make(chan struct{}), make(chan struct{})
	defer close(release)
	stop := b.start(worker.Settings{ShutdownTimeout: 50 * time.Millisecond, Handlers: handlers(func(context.Context, notification.Event) error {
		close(running)
		<-release
		return nil
	})})
	b.send(fmt.Sprintf(call, 1, "A"))
	<-running
	if err := stop(); err != nil {
		t.Error(err)
	}
	if !strings.Contains(b.log.String(), "handlers did not stop in time") {
		t.Errorf("log:\n%s", b.log)
	}
}

func TestBrokerThatRestartsLosesNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var handled sync.Map
	b.start(worker.Settings{Handlers: handlers(func(_ context.Context, event notification.Event) error {
		handled.Store(event.Key, true)
		return nil
	})})
	for i := range 60 {
		b.send(fmt.Sprintf(call, 1, fmt.Sprint(i)))
		if i%20 == 10 {
			b.server.Restart(t)
		}
	}
	b.drain()
	count := 0
	handled.Range(func(any, any) bool { count++; return true })
	if events := len(b.events()); events != 60 || count != 60 {
		t.Errorf("%d events and %d handled, want 60 of each", events, count)
	}
	if lines := strings.Count(b.log.String(), "level=ERROR"); lines > 10 {
		t.Errorf("three restarts made %d lines at ERROR:\n%s", lines, b.log)
	}
}

func TestBrokerThatComesBackEmptyIsUsedAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	handled := make(chan string, 10)
	b.start(worker.Settings{Handlers: handlers(func(_ context.Context, event notification.Event) error {
		handled <- event.Instance
		return nil
	})})
	b.send(fmt.Sprintf(call, 1, "before"))
	if got := <-handled; got != "1" {
		t.Fatalf("handled %s", got)
	}
	b.server.Stop()
	b.server.Wipe(t)
	b.server.Resume(t)
	b.send(fmt.Sprintf(call, 2, "after"))
	select {
	case got := <-handled:
		if got != "2" {
			t.Errorf("handled %s, want 2", got)
		}
	case <-b.context().Done():
		t.Fatalf("nothing is handled any more, log:\n%s", b.log)
	}
	log := b.log.String()
	if !strings.Contains(log, "level=ERROR msg=\"stream was missing and was made anew: what it held is lost\"") {
		t.Errorf("nobody was told, log:\n%s", log)
	}
	if lines := strings.Count(log, "level=ERROR") + strings.Count(log, "level=WARN"); lines > 20 {
		t.Errorf("%d lines at WARN and ERROR:\n%s", lines, log)
	}
}

func TestWrongSettingsAreRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	if _, err := worker.New(b.context(), worker.Settings{}, b.streams, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("a worker without handlers and schemas was made")
	}
}

func TestEveryHandlerHasASchemaAndEverySchemaAHandler(t *testing.T) {
	t.Parallel()
	set, err := schemas.Load()
	if err != nil {
		t.Fatal(err)
	}
	var withSchema [][2]string
	for _, provider := range source.Names() {
		for _, kind := range set.Types(provider) {
			withSchema = append(withSchema, [2]string{provider, kind})
		}
	}
	if withHandler := handler.All().Pairs(); !slices.Equal(withSchema, withHandler) {
		t.Errorf("schemas for  %v\nhandlers for %v", withSchema, withHandler)
	}
}
