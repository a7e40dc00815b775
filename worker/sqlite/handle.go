// Package sqlite gives a handler's event exactly one effect in a file of SQLite, as package postgres does in PostgreSQL: what the
// handler writes and the key of its event are committed together, so that an event that comes again changes nothing.
//
//	handler.Register(registry, "green-api", "orderPaid", sqlite.Handle(db, orderPaid))
//
//	func orderPaid(ctx context.Context, tx sqlite.Tx, event handler.Event[OrderPaid]) error {
//		_, err := tx.ExecContext(ctx, "insert into orders (id, event) values (?, ?)", event.Body.OrderID, event.Key)
//		return err
//	}
//
// It is for workers on one machine, with the file on a disk of it. One transaction writes at a time: handlers with tens of
// workers, or transactions that take long, want PostgreSQL. There is no outbox.
//
// Which file answers which question:
//
//	handle.go   how does an effect happen once, whoever dies or freezes?
//	database.go where does the database come from, how long are keys kept?
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"sluice.internal/worker/handler"
)

// insertKey is the first statement of each transaction, and makes it the only one that writes.
const insertKey = "insert into sluice_inbox (group_name, key, type, handled_at) values (?, ?, ?, unixepoch()) on conflict do nothing"

// Tx is what a handler may do with its transaction. Handle ends it.
type Tx interface {
	ExecContext(ctx context.Context, query string, arguments ...any) (sql.Result, error)
	PrepareContext(ctx context.Context, query string) (*sql.Stmt, error)
	QueryContext(ctx context.Context, query string, arguments ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, arguments ...any) *sql.Row
}

// Option is what a handler chooses about its errors.
type Option func(*inbox)

// PermanentConstraints makes violations of constraints permanent errors: a row that is there already, a reference to none, a
// check that fails. Without it they are tries, since the row that is missing may come later.
func PermanentConstraints() Option { return func(b *inbox) { b.permanentConstraints = true } }

// Handle returns a handler for [handler.Register]. It calls handle in a transaction that has the event's key in it already,
// and commits when handle returns nil. When the key is there from before, the event was handled: nothing is called, and the
// event is handled again, without an effect. An error or a panic undoes everything that handle has written with tx.
//
// Handlers of a process wait for each other within their time, those of other processes for the busy timeout of the
// connection. The lock of a worker that was killed goes with it. One that freezes in its transaction keeps it, and nothing can
// take it away: the others' tries fail until it wakes up, and then the effect is its own.
//
// Every error is a try, unless handle returned a permanent one or an option makes it one.
func Handle[T any](
	db *DB, handle func(ctx context.Context, tx Tx, event handler.Event[T]) error, options ...Option,
) func(context.Context, handler.Event[T]) error {
	box := inbox{db: db}
	for _, set := range options {
		set(&box)
	}
	return func(ctx context.Context, event handler.Event[T]) error {
		return box.once(ctx, event.About, func(tx Tx) error { return handle(ctx, tx, event) })
	}
}

// inbox is the table of the keys of events that were handled.
type inbox struct {
	db                   *DB
	permanentConstraints bool
}

// once calls work in a transaction with the event's key, unless the key is there.
func (b inbox) once(ctx context.Context, event handler.About, work func(Tx) error) error {
	// SQLite's own waiting is no queue: who comes last may be served first, and each wait holds a thread.
	select {
	case b.db.writing <- struct{}{}:
		defer func() { <-b.db.writing }()
	case <-ctx.Done():
		return fmt.Errorf("wait for the transactions of other events: %w", ctx.Err())
	}
	tx, err := b.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin transaction: %w", err)
	}
	defer tx.Rollback() //nolint:errcheck // After a commit there is none. It runs in a panic as well.
	result, err := tx.ExecContext(ctx, insertKey, event.Group, event.Key, event.Type)
	if err != nil {
		return fmt.Errorf("insert key into sluice_inbox: %w", err)
	}
	if inserted, err := result.RowsAffected(); err != nil {
		return fmt.Errorf("insert key into sluice_inbox: %w", err)
	} else if inserted == 0 {
		event.Log.Debug("event was handled before, its handler is not called")
		return nil
	}
	if err := work(tx); err != nil {
		return b.verdict(err)
	}
	if err := tx.Commit(); err != nil {
		return b.verdict(fmt.Errorf("commit: %w", err))
	}
	return nil
}

// verdict makes a violated constraint permanent where that is wanted.
func (b inbox) verdict(err error) error {
	if b.permanentConstraints && errorCode(err) == sqlite3.SQLITE_CONSTRAINT {
		return handler.Permanent(err)
	}
	return err
}

// errorCode returns SQLite's primary result code, 0 for an error that is not SQLite's.
func errorCode(err error) int {
	if refused, ok := errors.AsType[*sqlite.Error](err); ok {
		return refused.Code() & 0xff
	}
	return 0
}
