package worker_test

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"flag"
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

	"sluice.internal/shared/config"
	"sluice.internal/shared/notification"
	"sluice.internal/shared/source"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/admin"
	"sluice.internal/shared/streamtest"
	"sluice.internal/worker"
	"sluice.internal/worker/greenapi"
	"sluice.internal/worker/handler"
)

func TestMain(m *testing.M) {
	for variable, worker := range map[string]settings{workerURL: printingWorker(), mortalURL: mortalWorker()} {
		if url := os.Getenv(variable); url != "" { // Another test started this process to be a worker.
			if err := serve(url, worker); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			os.Exit(0)
		}
	}
	// Nearly all of them wait for a server most of the time, so that more run side by side than there are processors. The
	// command line may want another number.
	if err := flag.Set("test.parallel", "8"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

// serve is a worker with streams at the URL, until the process's input ends.
func serve(url string, wanted settings) error {
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	access, err := config.NewNATS(url, "", "")
	if err != nil {
		return err
	}
	conn, err := stream.Connect(access, "worker of a test", log)
	if err != nil {
		return err
	}
	defer conn.Close()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	streams, err := stream.Open(ctx, conn, streamtest.Configured(), log)
	if err != nil {
		return err
	}
	w, err := wanted.make(ctx, streams, log)
	if err != nil {
		return err
	}
	go func() {
		_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
		cancel()
	}()
	fmt.Println("running")
	return w.Run(ctx)
}

const waitTimeout = 2 * time.Minute

// bench is a store with a worker on it.
type bench struct {
	t       *testing.T
	server  *streamtest.Server
	streams *streamtest.Streams
	log     *buffer
	sent    atomic.Int64
	// unmanaged keeps the workers from making streams anew that a test took away.
	unmanaged bool
	// quarantine is the mode of the source.
	quarantine bool
}

func newBench(t *testing.T) *bench {
	t.Helper()
	server := streamtest.Start(t)
	b := &bench{t: t, server: server, log: &buffer{}}
	log := slog.New(slog.NewTextHandler(b.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	b.streams = server.OpenLogged(t, log, streamtest.Shards(2), streamtest.Lanes(4))
	return b
}

func (b *bench) context() context.Context {
	ctx, cancel := context.WithTimeout(b.t.Context(), waitTimeout)
	b.t.Cleanup(cancel)
	return ctx
}

// settings are what a test wants of a worker otherwise than it is by default.
type settings struct {
	Types                []string
	NoIntake, NoHandlers bool
	Unordered            bool
	Concurrency          int
	ShutdownTimeout      time.Duration
	HandlerTimeout       time.Duration
	Retries              retries
	Handlers             worker.Handlers
	Providers            map[string]source.Provider
	MemoryLimit          config.Size
	Accounts             *greenapi.Accounts
}

type retries struct {
	Block               bool
	InChat              []time.Duration
	First, Longest, For time.Duration
}

// make makes a worker on streams.
func (s settings) make(ctx context.Context, streams *stream.Client, log *slog.Logger) (*worker.Worker, error) {
	cfg := config.Default()
	cfg.Worker.Types, cfg.MemoryLimit = s.Types, s.MemoryLimit
	cfg.Worker.Intake, cfg.Worker.Handlers, cfg.Worker.Ordered = !s.NoIntake, !s.NoHandlers, !s.Unordered
	cfg.Worker.Concurrency = cmp.Or(s.Concurrency, cfg.Worker.Concurrency)
	cfg.Worker.ShutdownTimeout = cmp.Or(s.ShutdownTimeout, cfg.Worker.ShutdownTimeout)
	cfg.Worker.HandlerTimeout = cmp.Or(s.HandlerTimeout, cfg.Worker.HandlerTimeout)
	cfg.Worker.RetryFor = cmp.Or(s.Retries.For, cfg.Worker.RetryFor)
	if s.Retries.Block {
		cfg.Worker.OnFailure = config.OnFailureBlock
	}
	delays := worker.DefaultRetryDelays()
	delays.First, delays.Longest = cmp.Or(s.Retries.First, delays.First), cmp.Or(s.Retries.Longest, delays.Longest)
	if s.Retries.InChat != nil {
		delays.InChat = s.Retries.InChat
	}
	return worker.New(ctx, cfg, worker.Parts{Handlers: s.Handlers, RetryDelays: &delays, Providers: s.Providers, Accounts: s.Accounts}, streams, log)
}

// start runs a worker until stop is called, which returns what Run returned.
func (b *bench) start(wanted settings) (stop func() error) {
	b.t.Helper()
	log := slog.New(slog.NewTextHandler(b.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	w, err := wanted.make(b.context(), b.server.OpenLogged(b.t, log, func(s *config.Streams) { s.Manage = !b.unmanaged }).Client, log)
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
		n := &notification.Notification{Origin: notification.Origin{
			Source: "green-api", Provider: "green-api", ReceivedAt: time.Now().UTC(),
			RequestID: fmt.Sprintf("%s-%d", b.t.Name(), b.sent.Add(1)), Body: []byte(body), Quarantine: b.quarantine,
		}}
		n.Type, n.Instance = provider.Peek(n)
		if _, err := b.streams.PublishNotification(b.context(), n); err != nil {
			b.t.Fatal(err)
		}
	}
}

// drain waits until nothing is left to do. The server counts what has just been stored a moment later, so that one look
// does not do.
func (b *bench) drain() {
	b.t.Helper()
	ctx := b.context()
	const looks = 4
	for idle := 0; idle < looks; time.Sleep(20 * time.Millisecond) {
		left, err := b.unfinished(ctx)
		if err != nil {
			b.t.Fatalf("something is left to do: %v, log:\n%s", err, b.log)
		}
		if idle++; left {
			idle = 0
		}
	}
}

// unfinished reports whether something waits or is under way. It asks for no more than it needs to know.
func (b *bench) unfinished(ctx context.Context) (bool, error) {
	for _, name := range []string{stream.Retries, stream.Notifications, stream.Events} {
		opened, err := b.streams.JetStream().Stream(ctx, name)
		if err != nil {
			return false, err
		}
		if name == stream.Retries {
			if opened.CachedInfo().State.Msgs > 0 {
				return true, nil
			}
			continue
		}
		if backlogs, err := admin.BacklogsOf(ctx, opened); err != nil || len(backlogs) > 0 {
			return true, err
		}
	}
	return false, nil
}

func (b *bench) events() []notification.Event {
	return collect(b.t, b.streams.Events(b.context(), admin.Query{}))
}

func (b *bench) deadLetters() []notification.DeadLetter {
	return collect(b.t, b.streams.DeadLetters(b.context(), admin.Query{}))
}

func (b *bench) alerts() uint64 {
	b.t.Helper()
	status, err := b.streams.Status(b.context())
	if err != nil {
		b.t.Fatal(err)
	}
	return usage(status, stream.Alerts).Messages
}

func usage(status admin.Status, name string) admin.Usage {
	return status.Streams[slices.IndexFunc(status.Streams, func(u admin.Usage) bool { return u.Name == name })]
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

func (handlers) Timeout(string, string) time.Duration { return 0 }

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
	b.start(settings{})
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

func TestNotificationInQuarantineBecomesADeadLetterThatNamesEveryFault(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.quarantine = true
	b.start(settings{})
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
	if want := []string{"/from", "/idMessage"}; !slices.Equal(pointers, want) {
		t.Errorf("faults at %v, want %v", pointers, want)
	}
	if letters[0].Reason != notification.ReasonInvalid || string(letters[0].Body) != `{"typeWebhook":"incomingCall"}` {
		t.Errorf("dead letter %+v", letters[0])
	}
	b.awaitAlert()
	if b.alerts() != 1 || !strings.Contains(b.log.String(), "level=ERROR msg=\"notification is invalid") {
		t.Errorf("%d alerts, log:\n%s", b.alerts(), b.log)
	}
}

func TestBodiesThatNobodyExpectsBecomeDeadLetters(t *testing.T) {
	t.Parallel()
	bodies := map[string]string{
		"empty":               "",
		"not JSON":            "hello",
		"an array":            `[{"typeWebhook":"incomingCall"}]`,
		"null":                "null",
		"a string":            `"incomingCall"`,
		"cut off":             `{"typeWebhook":"incomingCall"`,
		"a type of no text":   "{\"typeWebhook\":\"incoming\xffCall\"}",
		"10,000 levels":       strings.Repeat(`{"a":`, 10_000) + "1" + strings.Repeat("}", 10_000),
		"a million levels":    strings.Repeat("[", 1_000_000),
		"no type":             `{}`,
		"a type that is none": `{"typeWebhook":5}`,
		"an empty type":       `{"typeWebhook":""}`,
		"a number from hell":  `{"typeWebhook":"incomingCall","instanceData":{"idInstance":1e999999999}}`,
		"zero bytes":          "\x00\x00",
		"a byte order mark":   "\xef\xbb\xbf{}",
		"a field twice":       `{"typeWebhook":"incomingCall","from":"1","from":"2"}`,
	}
	b := newBench(t)
	b.start(settings{})
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
	b.start(settings{})
	b.send(`{"typeWebhook":"somethingNew","instanceData":{"idInstance":1},"timestamp":1700000000}`)
	b.drain()
	events := b.events()
	if len(events) != 1 || events[0].Type != "somethingNew" || len(b.deadLetters()) != 0 {
		t.Fatalf("events %+v", events)
	}
	b.awaitAlert()
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
	b.start(settings{})
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
	b.start(settings{
		Retries: retries{InChat: []time.Duration{time.Millisecond}, First: time.Millisecond, For: time.Second},
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
	b.start(settings{Handlers: handlers(func(context.Context, notification.Event) error {
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
	b.start(settings{
		Retries: retries{InChat: []time.Duration{time.Hour}},
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

// A handler that does not come back holds up its own chat and nobody else, also of the same lane and the same partition.
func TestSlowChatHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	const slow, fast = 3, 60
	release, handled := make(chan struct{}), make(chan string, slow+fast)
	b.start(settings{Handlers: handlers(func(ctx context.Context, event notification.Event) error {
		if event.Instance == "0" {
			select {
			case <-release:
			case <-ctx.Done():
			}
		}
		handled <- event.Instance
		return nil
	})})
	for message := range slow {
		b.send(fmt.Sprintf(call, 0, fmt.Sprint("slow", message)))
	}
	for instance := range fast {
		b.send(fmt.Sprintf(call, 1+instance, "fast"))
	}
	seen := map[string]bool{}
	for len(seen) < fast {
		select {
		case got := <-handled:
			if got == "0" {
				t.Error("the slow handler has returned")
			}
			seen[got] = true
		case <-b.context().Done():
			t.Fatalf("%d of %d instances are handled beside a slow chat", len(seen), fast)
		}
	}
	close(release)
	for range slow {
		if got := <-handled; got != "0" {
			t.Errorf("handled %s, want 0", got)
		}
	}
}

func TestNothingIsHalfHandledWhenAWorkerStopsUnderLoad(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var begun, ended atomic.Int64
	settings := settings{Handlers: handlers(func(context.Context, notification.Event) error {
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
	stop := b.start(settings{ShutdownTimeout: 50 * time.Millisecond, Handlers: handlers(func(context.Context, notification.Event) error {
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
	b.start(settings{Handlers: handlers(func(_ context.Context, event notification.Event) error {
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
	b.start(settings{Handlers: handlers(func(_ context.Context, event notification.Event) error {
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
	if lines := strings.Count(log, "level=ERROR") + strings.Count(log, "level=WARN"); lines > 40 {
		t.Errorf("%d lines at WARN and ERROR:\n%s", lines, log)
	}
}

func TestWorkerWithoutWorkIsRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	_, err := settings{NoIntake: true, NoHandlers: true}.make(b.context(), b.streams.Client, slog.New(slog.DiscardHandler))
	if err == nil || !strings.Contains(err.Error(), "worker.intake and worker.handlers both false") {
		t.Errorf("error %v", err)
	}
}
