package worker_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/source"
	"sluice.internal/shared/stream"
)

const (
	// mortalURL has the address of NATS when the test binary is to be a worker that can be killed by a body.
	mortalURL = "SLUICE_TEST_MORTAL_URL"
	// killedCode is how such a process ends.
	killedCode = 77
	// killsIntake in a body ends the process that interprets it, killsHandler the one that handles it.
	killsIntake, killsHandler = "kills-intake", "kills-handler"
	// poisonTimeout is for as many deaths as it takes: each costs the time until the server believes in it.
	poisonTimeout = 2 * time.Minute
)

// mortalWorker is what a process of its own does until its input ends, or until it takes up what kills it.
func mortalWorker() settings {
	return settings{
		Providers: mortalProviders(),
		Handlers: handlers(func(_ context.Context, event notification.Event) error {
			if bytes.Contains(event.Body, []byte(killsHandler)) {
				os.Exit(killedCode)
			}
			return nil
		}),
	}
}

// mortalProviders are the providers; that of GREEN-API ends the process at some bodies, as a reader that takes all memory.
func mortalProviders() map[string]source.Provider {
	providers := source.Providers()
	provider := providers["green-api"]
	identify := provider.Identify
	provider.Identify = func(n *notification.Notification, body *notification.Document) notification.Identity {
		if bytes.Contains(n.Body, []byte(killsIntake)) {
			os.Exit(killedCode)
		}
		return identify(n, body)
	}
	providers["green-api"] = provider
	return providers
}

// mortal is a worker process that something may kill.
type mortal struct {
	command *exec.Cmd
	input   io.Closer
	ended   chan error
}

// spawnMortal starts one and returns when it runs.
func (b *bench) spawnMortal() *mortal {
	b.t.Helper()
	m := &mortal{command: exec.Command(os.Args[0]), ended: make(chan error, 1)}
	m.command.Env = append(os.Environ(), mortalURL+"="+b.server.URL())
	m.command.Stderr = b.log
	input, err := m.command.StdinPipe()
	if err != nil {
		b.t.Fatal(err)
	}
	output, err := m.command.StdoutPipe()
	if err != nil {
		b.t.Fatal(err)
	}
	if err := m.command.Start(); err != nil {
		b.t.Fatal(err)
	}
	m.input = input
	_, err = bufio.NewReader(output).ReadString('\n')
	go func() {
		_, _ = io.Copy(io.Discard, output)
		m.ended <- m.command.Wait()
	}()
	b.t.Cleanup(func() { _ = m.command.Process.Kill() })
	if err != nil {
		b.t.Fatalf("worker process does not run: %v, log:\n%s", err, b.log)
	}
	return m
}

// stop ends a process that lives.
func (b *bench) stopMortal(m *mortal) {
	b.t.Helper()
	_ = m.input.Close()
	select {
	case err := <-m.ended:
		if err != nil {
			b.t.Errorf("worker process: %v, log:\n%s", err, b.log)
		}
	case <-time.After(waitTimeout):
		b.t.Error("worker process does not end")
	}
}

// survive runs worker processes, one after the other, until a process has done all there is to do. It returns how many were
// killed before.
func (b *bench) survive(maxDeaths int) (deaths int) {
	b.t.Helper()
	for {
		m := b.spawnMortal()
		done := make(chan struct{})
		go func() {
			defer close(done)
			b.awaitDone(m)
		}()
		<-done
		select {
		case err := <-m.ended:
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != killedCode {
				b.t.Fatalf("worker process: %v, log:\n%s", err, b.log)
			}
			if deaths++; deaths > maxDeaths {
				b.t.Fatalf("%d worker processes were killed, log:\n%s", deaths, b.log)
			}
			b.unpin()
		default:
			b.stopMortal(m)
			return deaths
		}
	}
}

// awaitDone waits until a process has ended, or has done all there is to do.
func (b *bench) awaitDone(m *mortal) {
	ctx, cancel := context.WithTimeout(context.Background(), poisonTimeout)
	defer cancel()
	for tick := time.Tick(50 * time.Millisecond); ctx.Err() == nil && len(m.ended) == 0; <-tick {
		if left, err := b.unfinished(ctx); err == nil && !left {
			return
		}
	}
}

// unpin spares the time after which the server gives the shards of a dead worker away.
func (b *bench) unpin() {
	b.t.Helper()
	opened, err := b.streams.JetStream().Stream(b.context(), stream.Notifications)
	if err != nil {
		b.t.Fatal(err)
	}
	for shard := range b.streams.Shards() {
		if err := opened.UnpinConsumer(b.context(), fmt.Sprintf("shard-%d", shard), "intake"); err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
			b.t.Fatal(err)
		}
	}
}

// poisoned is a call of a chat whose body has a word in it.
func poisoned(chat int, word string) string {
	return strings.Replace(fmt.Sprintf(call, chat, "A"), `"timestamp"`, `"x":"`+word+`","timestamp"`, 1)
}

// One body that ends whoever reads it costs four workers, wherever it does that: it is found among all that they had, and
// nothing else is.
func TestBodyThatKillsWorkersBecomesADeadLetterUnread(t *testing.T) {
	t.Parallel()
	survivePoison(t, killsIntake, "")
}

// It takes the longest of all, so that it is no subtest, which would begin last.
func TestBodyThatKillsItsHandlersBecomesADeadLetterUnread(t *testing.T) {
	t.Parallel()
	survivePoison(t, killsHandler, "default")
}

// survivePoison sends a body that kills workers among others, and checks what became of all. Group is the one that it dies in,
// empty before there is an event.
func survivePoison(t *testing.T, word, group string) {
	t.Helper()
	b := newBench(t)
	const before, behind = 20, 20
	for chat := range before {
		b.send(fmt.Sprintf(call, 100+chat, "A"))
	}
	b.send(poisoned(7, word))
	for chat := range behind {
		b.send(fmt.Sprintf(call, 200+chat, "A"))
	}
	if deaths := b.survive(5); deaths != 4 {
		t.Errorf("%d worker processes were killed, want 4", deaths)
	}
	letters := b.deadLetters()
	if len(letters) != 1 {
		t.Fatalf("%d dead letters: %+v", len(letters), letters)
	}
	letter := letters[0]
	if letter.Reason != notification.ReasonPoison || letter.Group != group || !strings.Contains(letter.Error, "killed its worker") ||
		!bytes.Contains(letter.Body, []byte(word)) || letter.Type != "incomingCall" || letter.Instance == "" {
		t.Errorf("dead letter %+v", letter)
	}
	want := before + behind
	if group != "" {
		want++ // It was an event before.
	}
	if events := b.events(); len(events) != want {
		t.Errorf("%d events, want %d", len(events), want)
	}
}

// A worker that is stopped while a handler works gives its event back. However often that happens, nothing counts against
// the event.
func TestEventOfWorkersThatAreStoppedIsNotBuried(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.send(fmt.Sprintf(call, 1, "A"))
	for range 7 { // From the third on in isolation.
		began := make(chan struct{}, 1)
		stop := b.start(settings{
			ShutdownTimeout: giveUpTime,
			Handlers: handlers(func(ctx context.Context, _ notification.Event) error {
				began <- struct{}{}
				<-ctx.Done()
				return ctx.Err()
			}),
		})
		select {
		case <-began:
		case <-time.After(waitTimeout):
			t.Fatalf("the event is not handed out, log:\n%s", b.log)
		}
		if err := stop(); err != nil {
			t.Fatal(err)
		}
	}
	b.start(settings{Handlers: handlers(func(context.Context, notification.Event) error { return nil })})
	b.drain()
	if letters := b.deadLetters(); len(letters) != 0 {
		t.Errorf("dead letters %+v", letters)
	}
	b.wantMarks("suspect.event.>")
}

// Whoever kills a worker that waits for a full store kills it in good health, however often. Nothing counts against the
// notifications that it had.
func TestNotificationsOfWorkersThatAreKilledWhileTheyWaitAreNotBuried(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	events, err := b.streams.JetStream().Stream(b.context(), stream.Events)
	if err != nil {
		t.Fatal(err)
	}
	full := events.CachedInfo().Config
	full.MaxBytes = 1
	if _, err := b.streams.JetStream().UpdateStream(b.context(), full); err != nil {
		t.Fatal(err)
	}
	const count = 5
	for id := range count { // In one shard: another one may still be about to wait when this one is known to.
		b.send(fmt.Sprintf(call, 1, fmt.Sprint(id)))
	}
	for range 6 { // From the third on in isolation.
		before := b.log.String()
		marked, _ := b.lastMark()
		m := b.spawnMortal()
		b.awaitLogs("intake is in trouble", strings.Count(before, "intake is in trouble")+1)
		if said := b.log.String()[len(before):]; strings.Contains(said, "times=") && !strings.Contains(said, "times=1") {
			b.awaitMarkTaken(marked)
		}
		if err := m.command.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := <-m.ended; err == nil {
			t.Error("a killed process ended well")
		}
		b.unpin()
	}
	full.MaxBytes = 64 << 20
	if _, err := b.streams.JetStream().UpdateStream(b.context(), full); err != nil {
		t.Fatal(err)
	}
	if deaths := b.survive(0); deaths != 0 {
		t.Errorf("%d worker processes were killed", deaths)
	}
	if letters := b.deadLetters(); len(letters) != 0 {
		t.Errorf("dead letters %+v", letters)
	}
	if events := b.events(); len(events) != count {
		t.Errorf("%d events, want %d", len(events), count)
	}
	b.wantMarks("suspect.notification.>")
}

// lastMark returns the sequence of the last change of a mark of a notification, and how many processes that mark names.
func (b *bench) lastMark() (sequence uint64, open int) {
	b.t.Helper()
	opened, err := b.streams.JetStream().Stream(b.context(), stream.Suspects)
	if err != nil {
		b.t.Fatal(err)
	}
	message, err := opened.GetLastMsgForSubject(b.context(), "suspect.notification.>")
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return 0, 0
	}
	var mark struct{ Open []string }
	if err == nil {
		err = json.Unmarshal(message.Data, &mark)
	}
	if err != nil {
		b.t.Fatal(err)
	}
	return message.Sequence, len(mark.Open)
}

// awaitMarkTaken waits until the mark was changed since a sequence and no process is left in it. A busy server may not let a
// process take its mark away at once, and then it tries again.
func (b *bench) awaitMarkTaken(since uint64) {
	b.t.Helper()
	for ctx := b.context(); ; {
		last, open := b.lastMark()
		if last > since && open == 0 {
			return
		}
		select {
		case <-ctx.Done():
			b.t.Fatalf("the mark was changed last by message %d, which is to be above %d, and names %d processes, log:\n%s", last, since, open, b.log)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// wantMarks checks that there was something in isolation, without which a test would show nothing.
func (b *bench) wantMarks(subject string) {
	b.t.Helper()
	opened, err := b.streams.JetStream().Stream(b.context(), stream.Suspects)
	if err != nil {
		b.t.Fatal(err)
	}
	info, err := opened.Info(b.context(), jetstream.WithSubjectFilter(subject))
	if err != nil {
		b.t.Fatal(err)
	}
	if len(info.State.Subjects) == 0 {
		b.t.Errorf("nothing was in isolation, log:\n%s", b.log)
	}
}

// awaitLogs waits until a line was logged that often.
func (b *bench) awaitLogs(text string, times int) {
	b.t.Helper()
	for ctx := b.context(); strings.Count(b.log.String(), text) < times; {
		select {
		case <-ctx.Done():
			b.t.Fatalf("%q was logged %d times, want %d:\n%s", text, strings.Count(b.log.String(), text), times, b.log)
		case <-time.After(5 * time.Millisecond):
		}
	}
}
