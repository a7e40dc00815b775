//go:build e2e

package postgres_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	ossignal "os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/service"
	"sluice.internal/shared/source"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/admin"
	"sluice.internal/shared/streamtest"
	"sluice.internal/worker"
	"sluice.internal/worker/handler"
	"sluice.internal/worker/postgres"
	"sluice.internal/worker/postgres/postgrestest"
)

const (
	// workerDatabase makes a worker of the test binary, with its database there.
	workerDatabase = "SLUICE_SETTINGS_POSTGRES_URL"
	// marksFolder is where workers note once for all what they did to themselves.
	marksFolder = "TEST_MARKS"
)

// message is what a customer writes: the order's number, and what a worker that books it does to itself.
type message struct {
	ID   string `json:"idMessage"`
	Data struct {
		Text struct {
			Text string `json:"textMessage"`
		} `json:"textMessageData"`
	} `json:"messageData"`
}

// What a worker does to itself, the first of those that get the event.
const (
	dies             = "dies between commit and acknowledgement"
	freezes          = "freezes in its transaction"
	freezesCommitted = "freezes between commit and acknowledgement"
)

// runWorker is the program of a worker as somebody would write it, but for what it does to itself.
func runWorker() {
	command := worker.Program(func(ctx context.Context, env *worker.Env) (*handler.Registry, error) {
		pool, err := postgres.Open(ctx, env)
		if err != nil {
			return nil, err
		}
		registry := handler.New()
		registry.Use(func(next handler.Func) handler.Func {
			return func(ctx context.Context, event handler.Event[handler.Document]) error {
				err := next(ctx, event)
				if err == nil {
					harm(string(event.Raw), event.Key, dies, syscall.SIGKILL)
					harm(string(event.Raw), event.Key, freezesCommitted, syscall.SIGSTOP)
				}
				return err
			}
		})
		handler.Register(registry, "green-api", "incomingMessageReceived", postgres.Handle(pool, bookMessage))
		return registry, nil
	})
	os.Exit(command.Main(service.Process{
		Environ: os.Environ(), Stdout: os.Stdout, Stderr: os.Stderr, Abort: func() { os.Exit(service.ExitFailed) },
	}))
}

// bookMessage books an order of one, and answers.
func bookMessage(ctx context.Context, tx pgx.Tx, event handler.Event[message]) error {
	if _, err := tx.Exec(ctx, "insert into orders (id, event, amount, worker) values ($1, $2, 1, $3)", event.Body.ID, event.Key, os.Getpid()); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, "update accounts set balance = balance + 1"); err != nil {
		return err
	}
	if err := postgres.Enqueue(ctx, tx, event.About, postgres.Message{Kind: "thanks", Body: []byte(event.Body.ID)}); err != nil {
		return err
	}
	harm(event.Body.Data.Text.Text, event.Key, freezes, syscall.SIGSTOP)
	return nil
}

// harm sends a signal to its own process where the text says so, once for each event.
func harm(text, key, what string, signal syscall.Signal) {
	if !strings.Contains(text, what) {
		return
	}
	mark, err := os.OpenFile(filepath.Join(os.Getenv(marksFolder), key), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, os.ErrExist) {
		return
	}
	if err == nil {
		err = mark.Close()
	}
	continued := make(chan os.Signal, 1)
	ossignal.Notify(continued, syscall.SIGCONT)
	fmt.Println("harmed", err) // The test waits for it.
	if err := syscall.Kill(os.Getpid(), signal); err != nil {
		panic(err)
	}
	<-continued // A signal takes effect a moment after the call, and later still on a machine that is busy.
}

// shop is a store, a database and workers that are processes.
type shop struct {
	t       *testing.T
	url     string
	streams *streamtest.Streams
	pool    *pgxpool.Pool
	base    *postgrestest.Server
	sent    int // orders
	// requests are those with which they were sent.
	requests int
	log      buffer
	marks    string
	nats     *streamtest.Server
}

func newShop(t *testing.T) *shop {
	t.Helper()
	s := &shop{t: t, nats: streamtest.Start(t), base: postgrestest.Start(t), marks: t.TempDir()}
	s.streams = s.nats.Open(t, streamtest.Shards(2), streamtest.Lanes(4))
	s.url = s.base.Database(t)
	s.pool = postgrestest.Connect(t, s.url)
	execute(t, s.pool, tables+"; alter table orders add worker int")
	t.Cleanup(func() {
		if t.Failed() {
			said := s.log.String()
			t.Logf("workers said last:\n%s", said[max(0, len(said)-10_000):])
		}
	})
	return s
}

// order has customers of several chats send orders, as a gateway takes them in.
func (s *shop) order(text string, count int) {
	s.t.Helper()
	for range count {
		s.sent++
		s.send(s.sent, text)
	}
}

// repeat has the sender repeat so many of the last orders, as it does where it has not seen an answer.
func (s *shop) repeat(count int) {
	s.t.Helper()
	for n := range count {
		s.send(s.sent-n, "order")
	}
}

// send stores the notification of an order.
func (s *shop) send(number int, text string) {
	s.t.Helper()
	s.requests++
	body := fmt.Sprintf(`{"typeWebhook":"incomingMessageReceived","instanceData":{"idInstance":1101000001,"wid":"79001234567@c.us","typeInstance":"whatsapp"},`+
		`"timestamp":1749207600,"idMessage":"order-%d","senderData":{"chatId":"7900%07d@c.us","sender":"7900%07[2]d@c.us"},`+
		`"messageData":{"typeMessage":"textMessage","textMessageData":{"textMessage":%q}}}`, number, number%20, text)
	n := &notification.Notification{Origin: notification.Origin{
		Source: "green-api", Provider: "green-api", ReceivedAt: time.Now().UTC(), RequestID: fmt.Sprint(s.requests), Body: []byte(body),
	}}
	n.Type, n.Instance = source.Providers()["green-api"].Peek(n)
	if _, err := s.streams.PublishNotification(bounded(s.t), n); err != nil {
		s.t.Fatal(err)
	}
}

// process is a worker.
type process struct {
	command *exec.Cmd
	harmed  chan struct{} // closed when it has harmed itself
	ended   chan struct{}
}

// start runs a worker until the test ends.
func (s *shop) start() *process {
	s.t.Helper()
	p := &process{command: exec.Command(os.Args[0]), harmed: make(chan struct{}), ended: make(chan struct{})}
	p.command.Dir = s.t.TempDir()
	p.command.Env = append(os.Environ(), workerDatabase+"="+s.url, marksFolder+"="+s.marks, "SLUICE_NATS_URL="+s.nats.URL(), "SLUICE_LOG_FORMAT=text")
	p.command.Stderr = &s.log
	output, err := p.command.StdoutPipe()
	must(s.t, err)
	must(s.t, p.command.Start())
	go func() {
		harmed := sync.OnceFunc(func() { close(p.harmed) })
		for lines := bufio.NewScanner(output); lines.Scan(); {
			if strings.HasPrefix(lines.Text(), "harmed") {
				harmed()
			}
		}
		_, _ = io.Copy(io.Discard, output)
		_ = p.command.Wait()
		close(p.ended)
	}()
	s.t.Cleanup(func() {
		_ = p.command.Process.Kill()
		<-p.ended
	})
	return p
}

func (s *shop) await(done <-chan struct{}, what string) {
	s.t.Helper()
	select {
	case <-done:
	case <-time.After(waitTimeout):
		s.t.Fatalf("waited for too long: %s", what)
	}
}

// drain waits until everything is handled.
func (s *shop) drain() {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 3*waitTimeout)
	defer cancel()
	for orders := 0; orders < s.sent || s.unfinished(ctx); {
		// PostgreSQL may be away.
		if err := s.pool.QueryRow(ctx, "select count(*) from orders").Scan(&orders); err != nil && ctx.Err() != nil {
			s.t.Fatalf("%d of %d orders: %v", orders, s.sent, err)
		}
	}
}

func (s *shop) unfinished(ctx context.Context) bool {
	s.t.Helper()
	for _, name := range []string{stream.Retries, stream.Notifications, stream.Events} {
		opened, err := s.streams.JetStream().Stream(ctx, name)
		must(s.t, err)
		if name == stream.Retries && opened.CachedInfo().State.Msgs > 0 {
			return true
		}
		backlogs, err := admin.BacklogsOf(ctx, opened)
		must(s.t, err)
		if name != stream.Retries && len(backlogs) > 0 {
			return true
		}
	}
	return false
}

// check compares the books to the last row: each order once, with its key and its answer.
func (s *shop) check() {
	s.t.Helper()
	s.drain()
	orders, sum := effects(s.t, s.pool)
	if orders != s.sent || sum != s.sent {
		s.t.Errorf("%d orders that come to %d, %d were sent", orders, sum, s.sent)
	}
	for what, query := range map[string]string{
		"keys without an order":    "select count(*) from sluice_inbox where key not in (select event from orders)",
		"orders without a key":     "select count(*) from orders where event not in (select key from sluice_inbox)",
		"orders without an answer": "select count(*) from orders where id not in (select convert_from(body, 'utf8') from sluice_outbox)",
		"answers too many":         "select count(*) - count(distinct key) from sluice_outbox",
	} {
		if count := number(s.t, s.pool, query); count != 0 {
			s.t.Errorf("%d %s", count, what)
		}
	}
}

func TestWorkersThatAreKilledBetweenCommitAndAcknowledgementRepeatNoEffect(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	const kills = 3
	for range kills {
		victim := s.start()
		s.order("order", 100)
		s.order(dies, 1)
		s.order("order", 100)
		s.await(victim.ended, "the worker kills itself")
	}
	s.start()
	s.check()
	marks, err := os.ReadDir(s.marks)
	if err != nil || len(marks) != kills {
		t.Errorf("%d workers were killed, error %v", len(marks), err)
	}
}

func TestWorkerThatFreezesInItsTransactionCommitsNothingWhenItWakesUp(t *testing.T) {
	t.Parallel()
	for name, what := range map[string]string{"in its transaction": freezes, "committed": freezesCommitted} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t)
			frozen := s.start()
			s.order("order", 50)
			s.order(what, 1)
			s.await(frozen.harmed, "the worker freezes itself")
			s.order("order", 50)
			s.start()
			s.drain() // By the other one, without the frozen one's help.
			must(t, frozen.command.Process.Signal(syscall.SIGCONT))
			s.order("order", 50)
			s.check()
			count := number(t, s.pool, "select count(*) from orders where id = 'order-51' and worker = $1", frozen.command.Process.Pid)
			if want := map[string]int{freezes: 0, freezesCommitted: 1}[what]; count != want {
				t.Errorf("the frozen worker has %d effects, want %d", count, want)
			}
		})
	}
}

func TestRestartsOfPostgreSQLUnderLoadLoseAndRepeatNothing(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.start()
	victim := s.start()
	base := func(end func() error) func() {
		return func() {
			must(t, end())
			must(t, s.base.Resume())
			s.pool.Reset()
		}
	}
	for _, restart := range []func(){
		base(s.base.Crash), base(s.base.Stop), func() { s.nats.Restart(t) },
		func() { // All at once.
			must(t, victim.command.Process.Kill())
			must(t, s.base.Crash())
			s.nats.Restart(t)
			must(t, s.base.Resume())
			s.pool.Reset()
		},
	} {
		before := s.sent
		s.order("order", 300)
		s.repeat(15)
		awaitTrue(t, s.pool, "select count(*) > $1 from orders", before) // They are in the middle of it.
		restart()
	}
	s.check()
}
