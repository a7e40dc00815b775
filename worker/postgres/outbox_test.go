//go:build e2e

package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"sluice.internal/shared/greenapi"
	"sluice.internal/worker/handler"
	"sluice.internal/worker/postgres"
)

// answering books an order and answers in the order's chat.
func answering(chat string) func(context.Context, pgx.Tx, handler.Event[order]) error {
	return func(ctx context.Context, tx pgx.Tx, event handler.Event[order]) error {
		if err := book(ctx, tx, event); err != nil {
			return err
		}
		return postgres.Enqueue(ctx, tx, event.About, postgres.Message{Chat: chat, Kind: "sendMessage", Body: []byte(event.Body.ID)})
	}
}

// sent runs senders until nothing waits, and ends them.
func sent(t *testing.T, pool *pgxpool.Pool, senders int, send postgres.Send, options postgres.SenderOptions) {
	t.Helper()
	options.Poll = 5 * time.Millisecond
	ctx, cancel := context.WithCancel(bounded(t))
	var running sync.WaitGroup
	for range senders {
		running.Go(func() { postgres.NewSender(pool, send, options).Run(ctx) })
	}
	awaitTrue(t, pool, "select not exists (select from sluice_outbox where done_at is null)")
	cancel()
	running.Wait()
}

func TestMessagesAreSentOnceEachAndInTheOrderOfTheirChats(t *testing.T) {
	t.Parallel()
	const chats, each = 10, 30
	pool := migrated(t)
	for n := range chats * each {
		w := works(pool, answering(fmt.Sprint("chat ", n%chats)))
		for range 2 { // It comes twice.
			must(t, w.handle(bounded(t), order{ID: fmt.Sprint(n), Amount: 1}))
		}
	}
	var (
		mutex  sync.Mutex
		bodies = map[string][]string{}
		inside = map[string]int{}
	)
	enter := func(m postgres.Message) {
		mutex.Lock()
		defer mutex.Unlock()
		if inside[m.Chat]++; inside[m.Chat] > 1 {
			t.Errorf("two messages of %s at once", m.Chat)
		}
		about := m
		about.ID, about.Chat, about.Body, about.Key, about.CreatedAt, about.Attempt = 0, "", nil, "", time.Time{}, 0
		if want := (postgres.Message{Group: "default", Source: "shop", Instance: "7", Kind: "sendMessage"}); !reflect.DeepEqual(about, want) {
			t.Errorf("message %+v, want %+v", m, want)
		}
	}
	leave := func(m postgres.Message) error {
		mutex.Lock()
		defer mutex.Unlock()
		inside[m.Chat]--
		if m.ID%7 == 0 && m.Attempt == 1 { // The next one of its chat waits for it.
			return handler.RetryAfter(0, errors.New("not now"))
		}
		bodies[m.Chat] = append(bodies[m.Chat], string(m.Body))
		return nil
	}
	sent(t, pool, 4, func(_ context.Context, m postgres.Message) error {
		enter(m)
		runtime.Gosched()
		return leave(m)
	}, postgres.SenderOptions{})
	for chat, got := range bodies {
		var want []string
		for n := range each {
			want = append(want, fmt.Sprint(n*chats+int(chat[len(chat)-1]-'0')))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s got %q", chat, got)
		}
	}
	if len(bodies) != chats || number(t, pool, "select count(*) from sluice_outbox where outcome = 'sent' and body = '' and not unsure") != chats*each {
		t.Errorf("%d chats have got messages", len(bodies))
	}
}

func TestMessageOfARolledBackTransactionIsNotSent(t *testing.T) {
	t.Parallel()
	pool := migrated(t)
	w := works(pool, func(ctx context.Context, tx pgx.Tx, event handler.Event[order]) error {
		return errors.Join(answering("a")(ctx, tx, event), errors.New("not now"))
	})
	if err := w.handle(bounded(t), numbered(1)); err == nil {
		t.Error("no error")
	}
	if messages := number(t, pool, "select count(*) from sluice_outbox"); messages != 0 {
		t.Errorf("%d messages", messages)
	}
}

func TestMessageIsGivenUpAndItsChatGoesOn(t *testing.T) {
	t.Parallel()
	pool := migrated(t)
	for _, id := range []string{"never", "always", "panic", "good"} {
		must(t, works(pool, answering("a\x00\xff")).handle(bounded(t), order{ID: id, Amount: 1}))
	}
	var log buffer
	var got []string
	sent(t, pool, 1, func(_ context.Context, m postgres.Message) error {
		got = append(got, fmt.Sprint(string(m.Body), m.Attempt))
		switch string(m.Body) {
		case "never":
			return handler.Permanent(errors.New("blocked"))
		case "always":
			return handler.RetryAfter(0, errors.New(strings.Repeat("ä", 1000)+"\x00"))
		case "panic":
			if m.Attempt == 1 {
				panic("a bug")
			}
		}
		return nil
	}, postgres.SenderOptions{MaxAttempts: 3, Log: slog.New(slog.NewTextHandler(&log, nil))})
	if want := []string{"never1", "always1", "always2", "always3", "panic1", "panic2", "good1"}; !slices.Equal(got, want) {
		t.Errorf("attempts %q, want %q", got, want)
	}
	if failed := number(t, pool, "select count(*) from sluice_outbox where outcome = 'failed' and body <> '' and error <> '' and chat = 'a\uFFFD\uFFFD'"); failed != 2 ||
		strings.Count(log.String(), "given up") != 2 {
		t.Errorf("%d given up, log %s", failed, &log)
	}
}

// A sender that dies or freezes is one that never says what became of its message.
func TestMessageOfASenderThatVanishedIsSentAgainAsUnsure(t *testing.T) {
	t.Parallel()
	pool := migrated(t)
	must(t, works(pool, answering("a")).handle(bounded(t), numbered(1)))
	must(t, works(pool, answering("a")).handle(bounded(t), numbered(2)))
	sending, asleep := make(chan struct{}), make(chan struct{})
	wake := sync.OnceFunc(func() { close(asleep) })
	t.Cleanup(wake)
	ctx, cancel := context.WithCancel(bounded(t))
	var frozen sync.WaitGroup
	frozen.Go(func() {
		postgres.NewSender(pool, func(context.Context, postgres.Message) error {
			close(sending)
			<-asleep
			return errors.New("a late failure")
		}, postgres.SenderOptions{Concurrency: 1, MaxAttempts: 1}).Run(ctx)
	})
	<-sending
	cancel()
	const attempt = 30 * time.Second
	settled := (attempt + greenapi.JournalDelay).Seconds()
	if number(t, pool, "select count(*) from sluice_outbox where attempts = 1 and due_at > created_at + make_interval(secs => $1)", settled) != 1 {
		t.Error("it is sent again when GREEN-API's journal may not have it yet")
	}
	execute(t, pool, "update sluice_outbox set due_at = now() where attempts = 1") // Its time is over.
	var got []postgres.Message
	sent(t, pool, 2, func(_ context.Context, m postgres.Message) error {
		got = append(got, m) // Of one chat there is one at a time.
		return nil
	}, postgres.SenderOptions{})
	wake()
	frozen.Wait()
	if len(got) != 2 || !got[0].Unsure || got[0].Attempt != 2 || got[1].Unsure || got[1].ID <= got[0].ID {
		t.Errorf("sent %+v", got)
	}
	if failed := number(t, pool, "select count(*) from sluice_outbox where outcome <> 'sent' or error <> ''"); failed != 0 {
		t.Error("the late failure took the place of what was sent")
	}
}

func TestAttemptWhoseTimeIsOverIsUnsure(t *testing.T) {
	t.Parallel()
	pool := migrated(t)
	must(t, works(pool, answering("a")).handle(bounded(t), numbered(1)))
	var unsure []bool
	sent(t, pool, 1, func(ctx context.Context, m postgres.Message) error {
		unsure = append(unsure, m.Unsure)
		if len(unsure) == 1 { // Whose attempt is the first that began: one whose time is over before that leaves nothing open.
			<-ctx.Done()
			return handler.RetryAfter(0, ctx.Err())
		}
		return nil
	}, postgres.SenderOptions{Timeout: 300 * time.Millisecond})
	if !slices.Equal(unsure, []bool{false, true}) {
		t.Errorf("unsure %v", unsure)
	}
}

// openError is one that leaves open whether the message was sent.
type openError struct{ error }

func (openError) Unsure() bool { return true }

func TestErrorThatLeavesItOpenIsUnsure(t *testing.T) {
	t.Parallel()
	pool := migrated(t)
	must(t, works(pool, answering("a")).handle(bounded(t), numbered(1)))
	var unsure []bool
	sent(t, pool, 1, func(_ context.Context, m postgres.Message) error {
		unsure = append(unsure, m.Unsure)
		if m.Attempt == 1 {
			return handler.RetryAfter(0, fmt.Errorf("send: %w", openError{errors.New("no answer")}))
		}
		return nil
	}, postgres.SenderOptions{})
	if !slices.Equal(unsure, []bool{false, true}) {
		t.Errorf("unsure %v", unsure)
	}
}

func TestMessageIsNotSentTwiceWhenPostgreSQLIsAwayForAMoment(t *testing.T) {
	t.Parallel()
	pool := migrated(t)
	must(t, works(pool, answering("a")).handle(bounded(t), numbered(1)))
	attempts := 0
	cfg := pool.Config()
	cfg.ConnConfig.RuntimeParams["application_name"] = "sender"
	own, err := pgxpool.NewWithConfig(bounded(t), cfg)
	must(t, err)
	t.Cleanup(own.Close)
	ctx, cancel := context.WithCancel(bounded(t))
	var running sync.WaitGroup
	running.Go(func() {
		postgres.NewSender(own, func(ctx context.Context, _ postgres.Message) error {
			attempts++
			_, err := pool.Exec(ctx, "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'sender'")
			return err
		}, postgres.SenderOptions{}).Run(ctx)
	})
	awaitTrue(t, pool, "select not exists (select from sluice_outbox where done_at is null)")
	cancel()
	running.Wait()
	if attempts != 1 {
		t.Errorf("%d attempts", attempts)
	}
}
