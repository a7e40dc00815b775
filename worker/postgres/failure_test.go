//go:build e2e

package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"sluice.internal/worker/handler"
	"sluice.internal/worker/postgres"
	"sluice.internal/worker/postgres/postgrestest"
)

// person is what must be in no error.
const person = "anna@example.org"

// doing is a handler that runs one statement.
func doing(statement string, arguments ...any) func(context.Context, pgx.Tx, handler.Event[order]) error {
	return func(ctx context.Context, tx pgx.Tx, _ handler.Event[order]) error {
		if _, err := tx.Exec(ctx, statement, arguments...); err != nil {
			return fmt.Errorf("do it: %w", err)
		}
		return nil
	}
}

func TestErrorsSayWhatIsWrongAndRepeatNoValue(t *testing.T) {
	t.Parallel()
	pool := migrated(t)
	execute(t, pool, "create table people (mail text primary key check (mail like '%@%'), age int)")
	execute(t, pool, "insert into people values ($1)", person)
	for name, test := range map[string]struct {
		work      func(context.Context, pgx.Tx, handler.Event[order]) error
		says      string
		permanent bool // with the options
	}{
		"there already":    {doing("insert into people values ($1)", person), `a constraint is violated, constraint "people_pkey", table "people" (SQLSTATE 23505)`, true},
		"check":            {doing("insert into people values ($1)", strings.ReplaceAll(person, "@", "")), `constraint "people_mail_check"`, true},
		"no number":        {doing("select ($1 || '')::int", person), "a value is refused (SQLSTATE 22P02)", true},
		"raised":           {doing("do $$ begin raise exception 'what about " + person + "'; end $$"), "SQLSTATE P0001", false},
		"syntax":           {doing("select '" + person + "' '' nonsense"), "SQLSTATE 42601", false},
		"can't be sent":    {doing("update people set age = $1", []string{person, "\n" + person}), "do it: failed to encode args[0]: unable to encode it", false},
		"no such table":    {doing("select from nowhere"), `relation "nowhere" does not exist`, false},
		"lost connection":  {doing("select pg_terminate_backend(pg_backend_pid())"), "SQLSTATE 57P01", false},
		"joined, repeated": {joined(doing("insert into people values ($1)", person)), "and so: do it: ERROR: a constraint is violated", true},
		"can't be read": {func(ctx context.Context, tx pgx.Tx, _ handler.Event[order]) error {
			var at time.Time
			return tx.QueryRow(ctx, "select mail from people").Scan(&at)
		}, `can't scan into dest[0] (col: mail)`, false},
	} {
		err := works(pool, test.work).handle(bounded(t), numbered(1))
		if err == nil || !strings.Contains(err.Error(), test.says) || strings.Contains(err.Error(), "anna") {
			t.Errorf("%s: error %v, want %q", name, err, test.says)
		}
		if errors.Is(err, handler.ErrPermanent) {
			t.Errorf("%s is permanent without an option", name)
		}
		err = works(pool, test.work, postgres.PermanentConstraints(), postgres.PermanentData()).handle(bounded(t), numbered(1))
		if errors.Is(err, handler.ErrPermanent) != test.permanent {
			t.Errorf("%s: permanent %t with the options", name, !test.permanent)
		}
		if _, refused := errors.AsType[*pgconn.PgError](err); !refused && strings.Contains(test.says, "SQLSTATE") {
			t.Errorf("%s: PostgreSQL's error is not in %v", name, err)
		}
	}
	err := works(pool, doing("select ($1 || '')::int", person), postgres.ShowMessages()).handle(bounded(t), numbered(1))
	if err == nil || !strings.Contains(err.Error(), person) {
		t.Errorf("told to show it: %v", err)
	}
}

func joined(work func(context.Context, pgx.Tx, handler.Event[order]) error) func(context.Context, pgx.Tx, handler.Event[order]) error {
	return func(ctx context.Context, tx pgx.Tx, event handler.Event[order]) error {
		err := work(ctx, tx, event)
		return errors.Join(errors.New("first"), fmt.Errorf("and so: %w", err))
	}
}

func TestPermanentOptionsConcernTheirOwnClassAlone(t *testing.T) {
	t.Parallel()
	pool := migrated(t)
	constraint, data := doing("insert into orders values ('a', 'b', -1)"), doing("select 1/0")
	for _, test := range []struct {
		work      func(context.Context, pgx.Tx, handler.Event[order]) error
		option    postgres.Option
		permanent bool
	}{
		{constraint, postgres.PermanentConstraints(), true},
		{constraint, postgres.PermanentData(), false},
		{data, postgres.PermanentData(), true},
		{data, postgres.PermanentConstraints(), false},
	} {
		if err := works(pool, test.work, test.option).handle(bounded(t), numbered(1)); errors.Is(err, handler.ErrPermanent) != test.permanent {
			t.Errorf("%v is permanent: %t", err, !test.permanent)
		}
	}
	execute(t, pool, "alter table orders add unique (amount) deferrable initially deferred; insert into orders values ('z', 'z', 5)")
	err := works(pool, book, postgres.PermanentConstraints()).handle(bounded(t), order{ID: "a", Amount: 5})
	if !errors.Is(err, handler.ErrPermanent) || !strings.Contains(err.Error(), "commit: ERROR: a constraint is violated") {
		t.Errorf("a constraint that is checked at the commit: %v", err)
	}
}

func TestConflictsOfTransactionsAreTries(t *testing.T) {
	t.Parallel()
	pool := migrated(t)
	execute(t, pool, "insert into accounts values ('a', 0), ('b', 0)")
	for name, test := range map[string]struct {
		options []postgres.Option
		code    string
		one     string // both begin with it
		other   [2]string
	}{
		"serialization failure": {
			[]postgres.Option{postgres.Isolation(pgx.Serializable)},
			"40001", "select sum(balance) from accounts",
			[2]string{"update accounts set balance = balance + 1 where name = 'a'", "update accounts set balance = balance + 1 where name = 'b'"},
		},
		"deadlock": {
			nil, "40P01", "", // The first two statements cross.
			[2]string{"a", "b"},
		},
	} {
		var met, all sync.WaitGroup
		met.Add(2)
		verdicts := make([]error, 2)
		for i := range verdicts {
			w := works(pool, func(ctx context.Context, tx pgx.Tx, _ handler.Event[order]) error {
				first, second := test.one, test.other[i]
				if test.one == "" {
					first = "update accounts set balance = 1 where name = '" + test.other[i] + "'"
					second = "update accounts set balance = 1 where name = '" + test.other[1-i] + "'"
				}
				if _, err := tx.Exec(ctx, first); err != nil {
					return err
				}
				met.Done()
				met.Wait()
				_, err := tx.Exec(ctx, second)
				return err
			}, append(test.options, postgres.PermanentConstraints(), postgres.PermanentData(), postgres.LockTimeout(waitTimeout))...)
			all.Go(func() { verdicts[i] = w.handle(bounded(t), order{ID: fmt.Sprint(name, i), Amount: 1}) })
		}
		all.Wait()
		err := errors.Join(verdicts...)
		if err == nil || verdicts[0] != nil && verdicts[1] != nil || !strings.Contains(err.Error(), test.code) || errors.Is(err, handler.ErrPermanent) {
			t.Errorf("%s: verdicts %v", name, verdicts)
		}
	}
}

func TestWithoutTablesTheErrorSaysHowToGetThem(t *testing.T) {
	t.Parallel()
	err := works(server.Pool(t), book).handle(bounded(t), numbered(1))
	if err == nil || !strings.Contains(err.Error(), "sluice postgres schema") {
		t.Errorf("verdict %v", err)
	}
}

func TestWorkerThatGetsNoConnectionTriesAgain(t *testing.T) {
	t.Parallel()
	own := postgrestest.Start(t)
	url := own.Database(t)
	pool := postgrestest.Connect(t, url)
	must(t, postgres.Migrate(bounded(t), pool))
	execute(t, pool, "create role crowded login password 'secret' connection limit 0")
	crowded := postgrestest.Connect(t, strings.Replace(url, "tests:"+strings.ReplaceAll(postgrestest.Password, " ", "%20"), "crowded:secret", 1))
	w := works(crowded, book, postgres.PermanentConstraints(), postgres.PermanentData())
	err := w.handle(bounded(t), numbered(1))
	if err == nil || !strings.Contains(err.Error(), "SQLSTATE 53300") || strings.Contains(err.Error(), "secret") || errors.Is(err, handler.ErrPermanent) {
		t.Errorf("too many connections: %v", err)
	}
	must(t, own.Stop())
	if err := w.handle(bounded(t), numbered(1)); err == nil || strings.Contains(err.Error(), "secret") || errors.Is(err, handler.ErrPermanent) {
		t.Errorf("no server: %v", err)
	}
}
