package sqlite_test

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"sluice.internal/shared/config"
	"sluice.internal/worker"
	"sluice.internal/worker/handler"
	"sluice.internal/worker/sqlite"
)

// paid is the part of a body that a handler reads.
type paid struct {
	OrderID string `json:"orderId"`
}

// orderPaid writes an order. It is there once it has returned nil, once for each event.
func orderPaid(ctx context.Context, tx sqlite.Tx, event handler.Event[paid]) error {
	_, err := tx.ExecContext(ctx, "insert into paid (id) values (?)", event.Body.OrderID)
	return err
}

// inMemory is a database for an example.
func inMemory() *sql.DB {
	pool, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		panic(err)
	}
	pool.SetMaxOpenConns(1) // Each connection would have another one.
	return pool
}

func ExampleNew() {
	pool := inMemory()
	defer pool.Close()
	db, err := sqlite.New(context.Background(), pool)
	if err != nil {
		fmt.Println(err)
		return
	}
	var keys int
	err = db.QueryRowContext(context.Background(), "select count(*) from sluice_inbox").Scan(&keys)
	fmt.Println(keys, err)
	// Output: 0 <nil>
}

func ExampleHandle() {
	ctx, pool := context.Background(), inMemory()
	defer pool.Close()
	db, err := sqlite.New(ctx, pool)
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err = db.ExecContext(ctx, "create table paid (id text)"); err != nil {
		fmt.Println(err)
		return
	}
	handle := sqlite.Handle(db, orderPaid) // For handler.Register.
	var event handler.Event[paid]
	event.Group, event.Key, event.Log, event.Body.OrderID = "default", "the key of the event", slog.New(slog.DiscardHandler), "A-17"
	for range 3 { // It comes again.
		if err := handle(ctx, event); err != nil {
			fmt.Println(err)
		}
	}
	var orders int
	err = db.QueryRowContext(ctx, "select count(*) from paid").Scan(&orders)
	fmt.Println(orders, err)
	// Output: 1 <nil>
}

// An order that is there already is a dead letter at once.
func ExamplePermanentConstraints() {
	_ = func(db *sqlite.DB) func(context.Context, handler.Event[paid]) error { // This is in a setup of yours.
		return sqlite.Handle(db, orderPaid, sqlite.PermanentConstraints())
	}
}

func ExampleOpen() {
	folder, err := os.MkdirTemp("", "sluice-example-")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(folder) }()
	// A worker does this by itself, with settings.sqlite.file of sluice.yaml.
	cfg, err := config.Load(config.Options{WithoutTokens: true, Environ: []string{"SLUICE_SETTINGS_SQLITE_FILE=" + filepath.Join(folder, "orders.db")}})
	if err != nil {
		fmt.Println(err)
		return
	}
	setup := func(ctx context.Context, env *worker.Env) (*handler.Registry, error) { // This is a setup of yours.
		db, err := sqlite.Open(ctx, env)
		if err != nil {
			return nil, err
		}
		registry := handler.New()
		handler.Register(registry, "green-api", "orderPaid", sqlite.Handle(db, orderPaid))
		return registry, nil
	}
	_, stop, err := worker.Prepare(context.Background(), cfg, setup, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		fmt.Println(err)
		return
	}
	stop()
	_, err = os.Stat(filepath.Join(folder, "orders.db"))
	fmt.Println(err)
	// Output: <nil>
}

// A program with two files has a section of the settings for each.
func ExampleSection() {
	_ = func(ctx context.Context, env *worker.Env) (orders, bills *sqlite.DB, err error) { // This is in a setup of yours.
		if orders, err = sqlite.Open(ctx, env); err != nil { // settings.sqlite
			return nil, nil, err
		}
		bills, err = sqlite.Open(ctx, env, sqlite.Section("bills")) // settings.bills
		return orders, bills, err
	}
}
