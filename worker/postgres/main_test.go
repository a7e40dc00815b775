//go:build e2e

package postgres_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/goleak"

	"sluice.internal/shared/notification"
	"sluice.internal/worker/handler"
	"sluice.internal/worker/postgres"
	"sluice.internal/worker/postgres/postgrestest"
)

// server is shared by the tests that do not end it; each has a database of its own.
var server *postgrestest.Server

func TestMain(m *testing.M) {
	if os.Getenv(workerDatabase) != "" {
		runWorker()
		return
	}
	var err error
	if server, err = postgrestest.New("max_connections=200"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	if err := errors.Join(server.Close(), goleak.Find()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// waitTimeout bounds every wait.
const waitTimeout = time.Minute

func bounded(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), waitTimeout)
	t.Cleanup(cancel)
	return ctx
}

// tables are what the handlers of the tests write into: each order once, and an account that all of them change.
const tables = `create table orders (id text primary key, event text not null, amount bigint not null check (amount > 0));
create table accounts (name text primary key, balance bigint not null); insert into accounts values ('shop', 0)`

// migrated makes a database with the tables of Sluice and those of the tests.
func migrated(t testing.TB) *pgxpool.Pool {
	t.Helper()
	pool := server.Pool(t)
	must(t, postgres.Migrate(bounded(t), pool))
	execute(t, pool, tables)
	return pool
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func execute(t testing.TB, pool *pgxpool.Pool, statement string, arguments ...any) {
	t.Helper()
	if _, err := pool.Exec(bounded(t), statement, arguments...); err != nil {
		t.Fatal(err)
	}
}

func number(t testing.TB, pool *pgxpool.Pool, query string, arguments ...any) (n int) {
	t.Helper()
	must(t, pool.QueryRow(bounded(t), query, arguments...).Scan(&n))
	return n
}

// order is the body of the events.
type order struct {
	ID     string `json:"id"`
	Amount int    `json:"amount"`
}

// book writes an order and adds it to the account.
func book(ctx context.Context, tx pgx.Tx, event handler.Event[order]) error {
	if _, err := tx.Exec(ctx, "insert into orders (id, event, amount) values ($1, $2, $3)", event.Body.ID, event.Key, event.Body.Amount); err != nil {
		return fmt.Errorf("insert order: %w", err)
	}
	_, err := tx.Exec(ctx, "update accounts set balance = balance + $1 where name = 'shop'", event.Body.Amount)
	return err
}

// effects returns how many orders there are and what they come to, and fails when the account has another sum.
func effects(t testing.TB, pool *pgxpool.Pool) (orders, sum int) {
	t.Helper()
	var balance int
	must(t, pool.QueryRow(bounded(t), "select count(*), coalesce(sum(amount), 0), (select balance from accounts) from orders").
		Scan(&orders, &sum, &balance))
	if sum != balance {
		t.Errorf("the orders come to %d and the account has %d", sum, balance)
	}
	return orders, sum
}

// worked is a worker without a broker.
type worked struct {
	registry *handler.Registry
	group    string
}

// works makes a worker whose handler books orders, or does what is given.
func works(pool postgres.Beginner, work func(context.Context, pgx.Tx, handler.Event[order]) error, options ...postgres.Option) worked {
	registry := handler.New()
	handler.Register(registry, "shop", "paid", postgres.Handle(pool, work, options...))
	return worked{registry, "default"}
}

// handle hands an event to the handler and returns the verdict.
func (w worked) handle(ctx context.Context, o order) error {
	body, err := json.Marshal(o)
	if err != nil {
		return err
	}
	event := notification.Event{
		Origin:   notification.Origin{Source: "shop", Provider: "shop", Body: body, ContentType: "application/json", ReceivedAt: time.Now()},
		Identity: notification.Identity{Type: "paid", Instance: "7", OrderKey: "chat", Key: notification.Key(o.ID)},
		Attempt:  1,
	}
	_, err = w.registry.Handle(ctx, event, handler.Tools{Group: w.group})
	return err
}
