//go:build e2e

package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"sluice.internal/worker/handler"
	"sluice.internal/worker/postgres"
)

func TestSameEventsSideBySideHaveOneEffectEach(t *testing.T) {
	t.Parallel()
	const workers, events = 16, 200
	pool := migrated(t)
	w := works(pool, book)
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for _, id := range rand.Perm(events) {
				for err := w.handle(bounded(t), numbered(id)); err != nil; err = w.handle(bounded(t), numbered(id)) {
					if !strings.Contains(err.Error(), "SQLSTATE 55P03") && !strings.Contains(err.Error(), "SQLSTATE 40P01") {
						t.Error(err)
						return
					}
				}
			}
		})
	}
	all.Wait()
	if orders, sum := effects(t, pool); orders != events || sum != events*(events+1)/2 {
		t.Errorf("%d orders that come to %d", orders, sum)
	}
	if keys := number(t, pool, "select count(*) from sluice_inbox where group_name = 'default' and type = 'paid'"); keys != events {
		t.Errorf("%d keys, want %d", keys, events)
	}
}

func numbered(id int) order { return order{ID: fmt.Sprint(id), Amount: id + 1} }

func TestEachGroupHasAnEffect(t *testing.T) {
	t.Parallel()
	pool := migrated(t)
	calls := map[string]int{}
	for range 3 {
		for _, group := range []string{"default", "billing"} {
			w := works(pool, func(context.Context, pgx.Tx, handler.Event[order]) error { calls[group]++; return nil })
			w.group = group
			must(t, w.handle(bounded(t), numbered(1)))
		}
	}
	if calls["default"] != 1 || calls["billing"] != 1 {
		t.Errorf("handlers were called %v", calls)
	}
}

func TestFailedTryLeavesNothingAndTheNextHasTheEffect(t *testing.T) {
	t.Parallel()
	var fail func() error
	pool := migrated(t)
	w := works(pool, func(ctx context.Context, tx pgx.Tx, event handler.Event[order]) error {
		return errors.Join(book(ctx, tx, event), fail())
	})
	try := func() (err error) {
		defer func() {
			if cause := recover(); cause != nil {
				err = fmt.Errorf("panic: %v", cause)
			}
		}()
		return w.handle(bounded(t), numbered(1))
	}
	permanent := handler.Permanent(errors.New("never"))
	for _, fail = range []func() error{
		func() error { return errors.New("not now") }, func() error { return permanent },
		func() error { return handler.RetryAfter(time.Hour, errors.New("later")) }, func() error { panic("a bug") },
	} {
		err := try()
		if orders, _ := effects(t, pool); err == nil || orders > 0 || number(t, pool, "select count(*) from sluice_inbox") > 0 {
			t.Errorf("after %v there are %d orders", err, orders)
		}
		if errors.Is(err, handler.ErrPermanent) != strings.Contains(err.Error(), "never") {
			t.Errorf("verdict %v", err)
		}
		if delay, asked := handler.RetryDelay(err); asked != strings.Contains(err.Error(), "later") || asked && delay != time.Hour {
			t.Errorf("verdict %v asks for %s", err, delay)
		}
	}
	fail = func() error { return nil }
	must(t, try())
	must(t, try())
	if orders, _ := effects(t, pool); orders != 1 {
		t.Errorf("%d orders", orders)
	}
}

// A worker that is frozen in its handler is one that does not go on: the other one's try ends it.
func TestFrozenWorkerLosesItsTransactionToTheNext(t *testing.T) {
	t.Parallel()
	pool := migrated(t)
	for name, wakes := range map[string]func(context.Context, pgx.Tx, handler.Event[order]) error{
		"before it writes": book,
		"after it wrote":   func(context.Context, pgx.Tx, handler.Event[order]) error { return nil },
	} {
		frozen, asleep := make(chan struct{}), make(chan struct{})
		wake := sync.OnceFunc(func() { close(asleep) })
		t.Cleanup(wake) // The pool waits for its connections.
		first := works(pool, func(ctx context.Context, tx pgx.Tx, event handler.Event[order]) error {
			if name == "after it wrote" {
				if err := book(ctx, tx, event); err != nil {
					return err
				}
			}
			close(frozen)
			<-asleep
			return wakes(ctx, tx, event)
		}, postgres.IdleTimeout(300*time.Millisecond))
		verdict := make(chan error, 1)
		go func() { verdict <- first.handle(bounded(t), order{ID: name, Amount: 1}) }()
		<-frozen
		second := works(pool, book)
		must(t, second.handle(bounded(t), order{ID: name, Amount: 1})) // It waits until PostgreSQL has ended the first.
		wake()
		if err := <-verdict; err == nil || errors.Is(err, handler.ErrPermanent) {
			t.Errorf("%s: the frozen worker's verdict is %v", name, err)
		}
		must(t, first.handle(bounded(t), order{ID: name, Amount: 1})) // Its next try finds the key.
	}
	if orders, _ := effects(t, pool); orders != 2 {
		t.Errorf("%d orders, want 2", orders)
	}
}

func TestWhoWaitsForAnotherTransactionFailsInTimeAndTriesAgain(t *testing.T) {
	t.Parallel()
	pool := migrated(t)
	began, held := make(chan struct{}), make(chan struct{})
	release := sync.OnceFunc(func() { close(held) })
	t.Cleanup(release) // The pool waits for its connections.
	first := works(pool, func(ctx context.Context, tx pgx.Tx, event handler.Event[order]) error {
		close(began)
		<-held
		return book(ctx, tx, event)
	}, postgres.IdleTimeout(waitTimeout))
	verdict := make(chan error, 1)
	go func() { verdict <- first.handle(bounded(t), numbered(1)) }()
	<-began
	second := works(pool, book, postgres.LockTimeout(50*time.Millisecond), postgres.PermanentConstraints())
	err := second.handle(bounded(t), numbered(1))
	if err == nil || errors.Is(err, handler.ErrPermanent) || !strings.Contains(err.Error(), "another worker has the event") {
		t.Errorf("who waited got %v", err)
	}
	ctx, cancel := context.WithCancel(bounded(t))
	waiting := make(chan error, 1)
	go func() { waiting <- works(pool, book, postgres.LockTimeout(waitTimeout)).handle(ctx, numbered(1)) }()
	awaitLock(t, pool)
	cancel() // The handler's time is over.
	if err := <-waiting; !errors.Is(err, context.Canceled) {
		t.Errorf("who waited for too long got %v", err)
	}
	release()
	must(t, <-verdict)
	must(t, second.handle(bounded(t), numbered(1)))
	if orders, _ := effects(t, pool); orders != 1 {
		t.Errorf("%d orders", orders)
	}
}

// awaitLock waits until a transaction waits for another one.
func awaitLock(t *testing.T, pool querier) {
	t.Helper()
	awaitTrue(t, pool, "select exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')")
}

type querier interface {
	QueryRow(ctx context.Context, sql string, arguments ...any) pgx.Row
}

// awaitTrue waits until a query says so.
func awaitTrue(t *testing.T, pool querier, query string, arguments ...any) {
	t.Helper()
	for ctx, done := bounded(t), false; !done; {
		if err := pool.QueryRow(ctx, query, arguments...).Scan(&done); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
	}
}

// hooked stops a transaction at chosen places.
type hooked struct {
	postgres.Beginner

	began, committed func() error
}

func (h hooked) BeginTx(ctx context.Context, options pgx.TxOptions) (pgx.Tx, error) {
	tx, err := h.Beginner.BeginTx(ctx, options)
	if err == nil && h.began != nil {
		err = h.began()
	}
	return hookedTx{tx, h}, err
}

type hookedTx struct {
	pgx.Tx

	hooked hooked
}

func (h hookedTx) Commit(ctx context.Context) error {
	err := h.Tx.Commit(ctx)
	if h.hooked.committed != nil {
		err = errors.Join(err, h.hooked.committed())
	}
	return err
}

func TestWorkerThatFreezesBeforeItsKeyIsWrittenHasNoEffect(t *testing.T) {
	t.Parallel()
	for name, level := range map[string]pgx.TxIsoLevel{"read committed": pgx.ReadCommitted, "serializable": pgx.Serializable} {
		for _, ended := range []bool{false, true} {
			pool := migrated(t)
			idle := waitTimeout
			if ended { // By PostgreSQL, before it wakes up.
				idle = 50 * time.Millisecond
			}
			first := works(hooked{Beginner: pool, began: func() error {
				err := works(pool, book).handle(bounded(t), numbered(1))
				if ended {
					awaitTrue(t, pool, "select not exists (select from pg_stat_activity where datname = current_database() and state = 'idle in transaction')")
				}
				return err
			}}, book, postgres.IdleTimeout(idle), postgres.Isolation(level))
			err := first.handle(bounded(t), numbered(1))
			if (err != nil) != ended || errors.Is(err, handler.ErrPermanent) {
				t.Errorf("%s, transaction ended %t: verdict %v", name, ended, err)
			}
			if orders, _ := effects(t, pool); orders != 1 {
				t.Errorf("%s, transaction ended %t: %d orders", name, ended, orders)
			}
		}
	}
}

func TestCommitWhoseOutcomeIsUnknownHasItsEffectOnce(t *testing.T) {
	t.Parallel()
	pool := migrated(t)
	lost := errors.New("connection lost")
	w := works(hooked{Beginner: pool, committed: func() error { return lost }}, book)
	if err := w.handle(bounded(t), numbered(1)); !errors.Is(err, lost) || errors.Is(err, handler.ErrPermanent) {
		t.Errorf("verdict %v", err)
	}
	must(t, w.handle(bounded(t), numbered(1))) // There is nothing to commit.
	if orders, _ := effects(t, pool); orders != 1 {
		t.Errorf("%d orders", orders)
	}
}

func TestHandlerCannotEndItsTransaction(t *testing.T) {
	t.Parallel()
	pool := migrated(t)
	for name, end := range map[string]func(context.Context, pgx.Tx) error{
		"commit":                 func(ctx context.Context, tx pgx.Tx) error { return tx.Commit(ctx) },
		"rollback, acknowledged": func(ctx context.Context, tx pgx.Tx) error { _ = tx.Rollback(ctx); return nil },
		"swallowed error":        func(ctx context.Context, tx pgx.Tx) error { _, _ = tx.Exec(ctx, "select 1/0"); return nil },
	} {
		w := works(pool, func(ctx context.Context, tx pgx.Tx, event handler.Event[order]) error {
			return errors.Join(book(ctx, tx, event), end(ctx, tx))
		})
		if err := w.handle(bounded(t), numbered(1)); err == nil || !strings.Contains(err.Error(), "return") {
			t.Errorf("%s: verdict %v", name, err)
		}
		if orders, _ := effects(t, pool); orders != 0 {
			t.Errorf("%s: %d orders", name, orders)
		}
	}
	w := works(pool, func(ctx context.Context, tx pgx.Tx, event handler.Event[order]) error {
		inner, err := tx.Begin(ctx) // A savepoint is the handler's own.
		if err != nil {
			return err
		}
		_, _ = inner.Exec(ctx, "select 1/0")
		return errors.Join(inner.Rollback(ctx), book(ctx, tx, event))
	})
	must(t, w.handle(bounded(t), numbered(1)))
	if orders, _ := effects(t, pool); orders != 1 {
		t.Errorf("%d orders", orders)
	}
}
