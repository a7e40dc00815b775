package postgres_test

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"sluice.internal/worker"
	"sluice.internal/worker/greenapi"
	"sluice.internal/worker/handler"
	"sluice.internal/worker/postgres"
)

// All of them need a PostgreSQL, so they are compiled here and not run. The tests do the same against a real one, and
// examples/orders is a whole program.

// paid is the part of a body that a handler reads.
type paid struct {
	OrderID string `json:"orderId"`
}

// orderPaid writes an order. It is there once it has returned nil, once for each event.
func orderPaid(ctx context.Context, tx pgx.Tx, event handler.Event[paid]) error {
	_, err := tx.Exec(ctx, "insert into orders (id, event) values ($1, $2)", event.Body.OrderID, event.Key)
	return err
}

// register registers orderPaid with options.
func register(pool *pgxpool.Pool, options ...postgres.Option) *handler.Registry {
	registry := handler.BuiltIn()
	handler.Register(registry, "green-api", "orderPaid", postgres.Handle(pool, orderPaid, options...))
	return registry
}

func ExampleHandle() {
	_ = func(ctx context.Context, env *worker.Env) (*handler.Registry, error) { // This is a setup of yours.
		pool, err := postgres.Open(ctx, env)
		if err != nil {
			return nil, err
		}
		registry := handler.BuiltIn()
		handler.Register(registry, "green-api", "orderPaid", postgres.Handle(pool, orderPaid))
		return registry, nil
	}
}

// The connection string is settings.postgres.url, or SLUICE_SETTINGS_POSTGRES_URL.
func ExampleOpen() {
	_ = func(ctx context.Context, env *worker.Env) (*pgxpool.Pool, error) {
		return postgres.Open(ctx, env) // It is closed when the program ends.
	}
}

func ExampleSection() {
	_ = func(ctx context.Context, env *worker.Env) (orders, bills *pgxpool.Pool, err error) {
		if orders, err = postgres.Open(ctx, env); err != nil { // settings.postgres
			return nil, nil, err
		}
		bills, err = postgres.Open(ctx, env, postgres.Section("bills")) // settings.bills
		return orders, bills, err
	}
}

func ExampleConfig() {
	_ = func(ctx context.Context, env *worker.Env) (*pgxpool.Pool, error) {
		return postgres.Open(ctx, env, postgres.Config(func(c *pgxpool.Config) {
			c.MaxConnLifetime = 10 * time.Minute
		}))
	}
}

func ExampleEnqueue() {
	_ = func(ctx context.Context, tx pgx.Tx, event handler.Event[paid]) error { // This is a handler of yours.
		if err := orderPaid(ctx, tx, event); err != nil {
			return err
		}
		return postgres.Enqueue(ctx, tx, event.About, postgres.Message{Kind: "text", Body: []byte("We have got your order.")})
	}
}

func ExampleNewSender() {
	_ = func(ctx context.Context, env *worker.Env, pool *pgxpool.Pool, accounts *greenapi.Accounts) { // This is in a setup of yours.
		send := func(ctx context.Context, m postgres.Message) error {
			return accounts.Deliver(ctx, greenapi.Delivery{
				Source: m.Source, Instance: m.Instance, Chat: m.Chat, Text: string(m.Body), WrittenAt: m.CreatedAt, Unsure: m.Unsure,
			})
		}
		postgres.NewSender(pool, send, postgres.SenderOptions{Log: env.Log}).Start(ctx, env)
	}
}

// A worker migrates at its start unless settings.postgres.migrate says otherwise.
func ExampleMigrate() {
	_ = func(ctx context.Context, url string) error { // This is a program that migrates, with a user who may.
		conn, err := pgx.Connect(ctx, url)
		if err != nil {
			return err
		}
		defer func() { _ = conn.Close(ctx) }()
		return postgres.Migrate(ctx, conn)
	}
}

// A worker sweeps by itself.
func ExampleSweep() {
	_ = func(ctx context.Context, pool *pgxpool.Pool) error { // This is a program that sweeps at night.
		removed, err := postgres.Sweep(ctx, pool, 90*24*time.Hour)
		fmt.Println("removed", removed)
		return err
	}
}

// The handler asks somebody else within its transaction, for up to 7 s.
func ExampleIdleTimeout() {
	_ = func(pool *pgxpool.Pool) *handler.Registry { return register(pool, postgres.IdleTimeout(7*time.Second)) }
}

func ExampleLockTimeout() {
	_ = func(pool *pgxpool.Pool) *handler.Registry {
		return register(pool, postgres.LockTimeout(20*time.Second))
	}
}

// What the handler reads must not change until it commits; a transaction that PostgreSQL refuses for that is tried again.
func ExampleIsolation() {
	_ = func(pool *pgxpool.Pool) *handler.Registry {
		return register(pool, postgres.Isolation(pgx.Serializable))
	}
}

// An order that is there already is a dead letter at once.
func ExamplePermanentConstraints() {
	_ = func(pool *pgxpool.Pool) *handler.Registry { return register(pool, postgres.PermanentConstraints()) }
}

// A number that its column can't hold is a dead letter at once.
func ExamplePermanentData() {
	_ = func(pool *pgxpool.Pool) *handler.Registry { return register(pool, postgres.PermanentData()) }
}

// Dead letters and logs may show what people wrote.
func ExampleShowMessages() {
	_ = func(pool *pgxpool.Pool) *handler.Registry { return register(pool, postgres.ShowMessages()) }
}
