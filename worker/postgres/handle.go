package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"sluice.internal/worker/handler"
)

// rollbackTimeout bounds the end of a transaction whose handler's time is over.
const rollbackTimeout = 2 * time.Second

// insertKey waits while another transaction has inserted the key and has not ended. It inserts nothing when that was committed.
const insertKey = "insert into sluice_inbox (group_name, key, type) values ($1, $2, $3) on conflict do nothing"

// Beginner begins transactions. A *pgxpool.Pool does.
type Beginner interface {
	BeginTx(ctx context.Context, options pgx.TxOptions) (pgx.Tx, error)
}

// Handle returns a handler for [handler.Register]. It calls handle in a transaction that has the event's key in it already,
// and commits when handle returns nil. When the key is there from before, the event was handled: nothing is called, and the
// event is handled again, without an effect. An error or a panic undoes everything that handle has written with tx.
//
// The transaction is Handle's to end: Commit and Rollback of tx are errors, and fail the try. [pgx.Tx.Begin] makes a savepoint.
// Pass ctx to each statement: it is cancelled when the handler's time is over.
//
// Two workers with the same event wait for each other: the second one's insert of the key waits until the first one's
// transaction has ended, or for [LockTimeout]. A worker that froze with a transaction open loses it after [IdleTimeout] by
// PostgreSQL itself; when it wakes up it can't commit any more, and when it wakes up before, the key is its own still. Nobody
// asks a clock.
//
// Every error is a try, among them serialization failures, deadlocks, lost connections and an unknown outcome of a commit,
// unless handle returned a permanent one or an option makes it one.
func Handle[T any](
	pool Beginner, handle func(ctx context.Context, tx pgx.Tx, event handler.Event[T]) error, options ...Option,
) func(context.Context, handler.Event[T]) error {
	box := inbox{pool: pool, settings: newSettings(options)}
	return func(ctx context.Context, event handler.Event[T]) error {
		return box.once(ctx, event.About, func(tx pgx.Tx) error { return handle(ctx, tx, event) })
	}
}

// inbox is the table of the keys of events that were handled.
type inbox struct {
	pool     Beginner
	settings settings
}

// once calls work in a transaction with the event's key, unless the key is there.
func (b inbox) once(ctx context.Context, event handler.About, work func(pgx.Tx) error) error {
	tx, err := b.pool.BeginTx(ctx, pgx.TxOptions{BeginQuery: b.settings.begin()})
	if err != nil {
		return b.settings.failed("begin transaction", err)
	}
	defer rollback(ctx, tx) // After a commit it does nothing. It runs in a panic as well.
	tag, err := tx.Exec(ctx, insertKey, event.Group, event.Key, event.Type)
	if err != nil {
		return b.settings.failed("insert key into sluice_inbox", err)
	}
	if tag.RowsAffected() == 0 {
		event.Log.Debug("event was handled before, its handler is not called")
		return nil
	}
	lent := &lentTx{Tx: tx}
	if err := work(lent); err != nil {
		return b.settings.failed("", err)
	}
	if lent.misused {
		return errEnded
	}
	if err := tx.Commit(ctx); err != nil {
		return b.settings.failed("commit", err)
	}
	return nil
}

// rollback ends a transaction, also when the handler's context has ended. What goes wrong is the connection, which the pool
// then closes; PostgreSQL undoes the transaction with it.
func rollback(ctx context.Context, tx pgx.Tx) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackTimeout)
	defer cancel()
	_ = tx.Rollback(ctx)
}

var errEnded = errors.New("handler called Commit or Rollback of its transaction; return nil to commit it, and an error to roll it back")

// lentTx is the transaction in the hands of a handler, who can't end it: an effect that is committed without the rest, or that
// is rolled back and acknowledged, is what nobody finds later.
type lentTx struct {
	pgx.Tx

	misused bool
}

// Commit refuses.
func (t *lentTx) Commit(context.Context) error {
	t.misused = true
	return errEnded
}

// Rollback refuses.
func (t *lentTx) Rollback(context.Context) error {
	t.misused = true
	return errEnded
}

// failed makes an error of what went wrong in a step; an empty step is the handler's own.
func (s settings) failed(step string, err error) error {
	if step != "" {
		err = fmt.Errorf("%s: %w", step, err)
	}
	text := s.describe(err)
	if remedy := remedyFor(step, err); remedy != "" {
		text += "; " + remedy
	}
	described := error(&failure{text: text, cause: err})
	if s.isPermanent(err) {
		return handler.Permanent(described)
	}
	return described
}
