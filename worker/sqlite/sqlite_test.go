package sqlite_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"sluice.internal/shared/config"
	"sluice.internal/shared/notification"
	"sluice.internal/worker"
	"sluice.internal/worker/handler"
	"sluice.internal/worker/sqlite"
)

// TestMain makes a worker process of the test binary where a test asks for one.
func TestMain(m *testing.M) {
	if file := os.Getenv(processFile); file != "" {
		os.Exit(runProcess(file))
	}
	os.Exit(m.Run())
}

const waitTimeout = time.Minute

func bounded(tb testing.TB) context.Context {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), waitTimeout)
	tb.Cleanup(cancel)
	return ctx
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// opened opens a file as a program does.
func opened(file string, environ ...string) (db *sqlite.DB, stop func(), err error) {
	cfg, err := config.Load(config.Options{Environ: append(environ, "SLUICE_SETTINGS_SQLITE_FILE="+file), WithoutTokens: true})
	if err != nil {
		return nil, nil, err
	}
	_, stop, err = worker.Prepare(context.Background(), cfg, func(ctx context.Context, env *worker.Env) (*handler.Registry, error) {
		var err error
		db, err = sqlite.Open(ctx, env)
		return handler.New(), err
	}, nil, slog.New(slog.DiscardHandler))
	return db, stop, err
}

// open opens a file with the table that the handlers of the tests write into, until the test ends.
func open(tb testing.TB, file string, environ ...string) *sqlite.DB {
	tb.Helper()
	db, stop, err := opened(file, environ...)
	must(tb, err)
	tb.Cleanup(stop)
	_, err = db.ExecContext(bounded(tb), "create table if not exists orders (id text primary key, event text not null, amount int check (amount > 0))")
	must(tb, err)
	return db
}

// order is the body of the events.
type order struct {
	ID     string `json:"id"`
	Amount int    `json:"amount"`
}

func book(ctx context.Context, tx sqlite.Tx, event handler.Event[order]) error {
	if _, err := tx.ExecContext(ctx, "insert into orders values (?, ?, ?)", event.Body.ID, event.Key, event.Body.Amount); err != nil {
		return fmt.Errorf("insert order: %w", err)
	}
	return nil
}

type work = func(context.Context, sqlite.Tx, handler.Event[order]) error

// handle hands an event to a handler, and returns its verdict.
func handle(ctx context.Context, db *sqlite.DB, work work, o order, options ...sqlite.Option) error {
	registry := handler.New()
	handler.Register(registry, "shop", "paid", sqlite.Handle(db, work, options...))
	body, err := json.Marshal(o)
	if err != nil {
		return err
	}
	_, err = registry.Handle(ctx, notification.Event{
		Origin:   notification.Origin{Source: "shop", Provider: "shop", Body: body, ContentType: "application/json"},
		Identity: notification.Identity{Type: "paid", Key: notification.Key(o.ID)},
	}, handler.Tools{Group: "default"})
	return err
}

func numbered(id int) order { return order{ID: fmt.Sprint(id), Amount: 1} }

// effects returns how many orders there are and how many keys.
func effects(tb testing.TB, db *sqlite.DB) (orders, keys int) {
	tb.Helper()
	must(tb, db.QueryRowContext(bounded(tb), "select (select count(*) from orders), (select count(*) from sluice_inbox)").Scan(&orders, &keys))
	return orders, keys
}

func TestSameEventsSideBySideHaveOneEffectEach(t *testing.T) {
	t.Parallel()
	const workers, events = 16, 50
	file := filepath.Join(t.TempDir(), "a file?.db") // Its name means nothing to the driver.
	databases := []*sqlite.DB{open(t, file), open(t, file)}
	var all sync.WaitGroup
	for i := range workers {
		all.Go(func() {
			for _, id := range rand.Perm(events) {
				if err := handle(bounded(t), databases[i%2], book, numbered(id)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if orders, keys := effects(t, databases[0]); orders != events || keys != events {
		t.Errorf("%d orders, %d keys", orders, keys)
	}
	if _, err := os.Stat(file); err != nil {
		t.Error(err)
	}
}

func TestFailedTryLeavesNothingAndTheNextHasTheEffect(t *testing.T) {
	t.Parallel()
	db := open(t, filepath.Join(t.TempDir(), "db"))
	permanent := handler.Permanent(errors.New("never"))
	for _, fail := range []func(context.CancelFunc) error{
		func(context.CancelFunc) error { return errors.New("not now") },
		func(context.CancelFunc) error { return permanent },
		func(context.CancelFunc) error { panic("a bug") },
		func(cancel context.CancelFunc) error { cancel(); return nil }, // The handler's time is over.
	} {
		ctx, cancel := context.WithCancel(bounded(t))
		err := func() (err error) {
			defer func() {
				if cause := recover(); cause != nil {
					err = fmt.Errorf("panic: %v", cause)
				}
			}()
			return handle(ctx, db, func(ctx context.Context, tx sqlite.Tx, event handler.Event[order]) error {
				return errors.Join(book(ctx, tx, event), fail(cancel))
			}, numbered(1))
		}()
		if orders, keys := effects(t, db); err == nil || orders+keys > 0 {
			t.Errorf("after %v there are %d orders and %d keys", err, orders, keys)
		}
		cancel()
	}
	for range 2 {
		must(t, handle(bounded(t), db, book, numbered(1)))
	}
	if orders, keys := effects(t, db); orders != 1 || keys != 1 {
		t.Errorf("%d orders, %d keys", orders, keys)
	}
}

func TestCommitThatFailsLeavesNoTransactionBehind(t *testing.T) {
	t.Parallel()
	db := open(t, filepath.Join(t.TempDir(), "db"))
	_, err := db.ExecContext(bounded(t), "create table lines (of text references orders deferrable initially deferred)")
	must(t, err)
	for _, option := range [][]sqlite.Option{nil, {sqlite.PermanentConstraints()}} {
		err := handle(bounded(t), db, func(ctx context.Context, tx sqlite.Tx, _ handler.Event[order]) error {
			_, err := tx.ExecContext(ctx, "insert into lines values ('none')")
			return err
		}, numbered(1), option...)
		if err == nil || !strings.Contains(err.Error(), "commit") || errors.Is(err, handler.ErrPermanent) != (option != nil) {
			t.Errorf("verdict %v", err)
		}
	}
	must(t, handle(bounded(t), db, book, numbered(1)))
	if orders, keys := effects(t, db); orders != 1 || keys != 1 {
		t.Errorf("%d orders, %d keys", orders, keys)
	}
}

func TestConstraintsArePermanentByChoice(t *testing.T) {
	t.Parallel()
	db := open(t, filepath.Join(t.TempDir(), "db"))
	for _, option := range [][]sqlite.Option{nil, {sqlite.PermanentConstraints()}} {
		err := handle(bounded(t), db, book, order{ID: "secret", Amount: -1}, option...)
		if err == nil || errors.Is(err, handler.ErrPermanent) != (option != nil) || strings.Contains(err.Error(), "secret") {
			t.Errorf("verdict %v", err)
		}
	}
}

func TestWhoWaitsForAnotherEventDoesSoWithinItsTime(t *testing.T) {
	t.Parallel()
	db := open(t, filepath.Join(t.TempDir(), "db"))
	err := handle(bounded(t), db, func(ctx context.Context, tx sqlite.Tx, event handler.Event[order]) error {
		waiting, cancel := context.WithCancel(ctx)
		cancel()
		if err := handle(waiting, db, book, numbered(2)); !errors.Is(err, context.Canceled) {
			t.Errorf("who waited got %v", err)
		}
		var there int // Others read meanwhile.
		return errors.Join(book(ctx, tx, event), db.QueryRowContext(ctx, "select count(*) from orders").Scan(&there))
	}, numbered(1))
	must(t, err)
}

func TestSweepRemovesOldKeysAloneAndAllOfThem(t *testing.T) {
	t.Parallel()
	db := open(t, filepath.Join(t.TempDir(), "db"))
	for days, count := range map[int]int{91: 2500, 89: 10} {
		_, err := db.ExecContext(bounded(t), `with recursive n(i) as (select 1 union all select i + 1 from n where i < ?)
			insert into sluice_inbox select 'default', ? || '-' || i, 'paid', unixepoch() - ? * 86400 from n`, count, days, days)
		must(t, err)
	}
	if removed, err := db.Sweep(bounded(t), sqlite.DefaultKeepKeys); err != nil || removed != 2500 {
		t.Errorf("removed %d, error %v", removed, err)
	}
	if _, keys := effects(t, db); keys != 10 {
		t.Errorf("%d keys are left", keys)
	}
	if _, err := db.Sweep(bounded(t), time.Hour); err == nil {
		t.Error("keys may be kept for less than an event is tried")
	}
}

func TestDatabaseIsOpenedFromTheSettingsAndClosedAtTheEnd(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "db")
	db, stop, err := opened(file)
	must(t, err)
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "busy_timeout": "5000", "foreign_keys": "1"} {
		var got string
		must(t, db.QueryRowContext(bounded(t), "pragma "+pragma).Scan(&got))
		if got != want {
			t.Errorf("%s is %s, want %s", pragma, got, want)
		}
	}
	stop()
	if err := db.PingContext(bounded(t)); err == nil {
		t.Error("it is open after the end")
	}
	for name, environ := range map[string][2]string{
		"no such folder": {filepath.Join(file, "none", "db"), ""}, "keys too short": {file, "SLUICE_SETTINGS_SQLITE_KEEP_KEYS=1h"},
	} {
		if _, _, err := opened(environ[0], strings.Fields(environ[1])...); err == nil {
			t.Errorf("%s is opened", name)
		}
	}
}

const (
	// processFile makes a worker of the test binary, with its database there.
	processFile = "TEST_SQLITE_FILE"
	// processEnds and processFreezes are what it does: kill itself after a commit, or stop itself in a transaction.
	processEnds    = "TEST_SQLITE_ENDS"
	processFreezes = "TEST_SQLITE_FREEZES"
	processEvents  = 40
)

// runProcess handles the events in a row. It acknowledges nothing: each process begins with the first one.
func runProcess(file string) int {
	db, stop, err := opened(file)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer stop()
	for id := range processEvents {
		err := handle(context.Background(), db, func(ctx context.Context, tx sqlite.Tx, event handler.Event[order]) error {
			if err := book(ctx, tx, event); err != nil {
				return err
			}
			if os.Getenv(processFreezes) == event.Body.ID {
				continued := make(chan os.Signal, 1)
				signal.Notify(continued, syscall.SIGCONT)
				if err := syscall.Kill(os.Getpid(), syscall.SIGSTOP); err != nil {
					return err
				}
				<-continued // A signal takes effect a moment after the call.
			}
			return nil
		}, numbered(id))
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		if os.Getenv(processEnds) == fmt.Sprint(id) {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {} // A signal takes effect a moment after the call.
		}
	}
	return 0
}

func process(t *testing.T, file string, environ ...string) *exec.Cmd {
	t.Helper()
	command := exec.CommandContext(bounded(t), os.Args[0])
	command.Env = append(append(os.Environ(), processFile+"="+file), environ...)
	command.Stderr = os.Stderr
	return command
}

func TestWorkersThatAreKilledAfterACommitRepeatNoEffect(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "db")
	db := open(t, file)
	for _, last := range []string{"3", "3", "17", "39", "none"} {
		err := process(t, file, processEnds+"="+last).Run()
		if killed := strings.Contains(fmt.Sprint(err), "killed"); killed != (last != "none") {
			t.Fatalf("worker that ends after %s: %v", last, err)
		}
	}
	if orders, keys := effects(t, db); orders != processEvents || keys != processEvents {
		t.Errorf("%d orders, %d keys", orders, keys)
	}
}

func TestWorkerThatFreezesInItsTransactionKeepsItsEffectForItself(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "db")
	db := open(t, file, "SLUICE_SETTINGS_SQLITE_BUSY_TIMEOUT=50ms")
	frozen := process(t, file, processFreezes+"=1")
	must(t, frozen.Start())
	var status syscall.WaitStatus
	if _, err := syscall.Wait4(frozen.Process.Pid, &status, syscall.WUNTRACED, nil); err != nil || !status.Stopped() {
		t.Fatalf("it does not freeze: status %v, error %v", status, err)
	}
	for _, id := range []int{1, 2} {
		if err := handle(bounded(t), db, book, numbered(id)); err == nil || errors.Is(err, handler.ErrPermanent) {
			t.Errorf("another worker's verdict about event %d is %v", id, err)
		}
	}
	must(t, frozen.Process.Signal(syscall.SIGCONT))
	must(t, frozen.Wait())
	must(t, handle(bounded(t), db, book, numbered(1)))
	if orders, keys := effects(t, db); orders != processEvents || keys != processEvents {
		t.Errorf("%d orders, %d keys", orders, keys)
	}
}

func BenchmarkEvents(b *testing.B) {
	db := open(b, filepath.Join(b.TempDir(), "db"))
	for b.Loop() {
		must(b, handle(context.Background(), db, book, numbered(rand.Int())))
	}
}

var _ sqlite.Tx = (*sql.Tx)(nil)
