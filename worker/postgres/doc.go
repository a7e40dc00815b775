// Package postgres gives a handler's event exactly one effect in PostgreSQL: what the handler writes and the key of its event
// are committed together, so that an event that comes again changes nothing.
//
//	handler.Register(registry, "green-api", "orderPaid", postgres.Handle(pool, orderPaid))
//
//	func orderPaid(ctx context.Context, tx pgx.Tx, event handler.Event[OrderPaid]) error {
//		_, err := tx.Exec(ctx, "insert into orders (id, event) values ($1, $2)", event.Body.OrderID, event.Key)
//		return err
//	}
//
// An event comes again after a failed try, when a worker dies between the commit and its acknowledgement, and when somebody
// replays it. Each group has an effect of its own. What leaves the database has no part in the transaction: it is written
// into an outbox there ([Enqueue]) and sent afterwards ([Sender]), at least once.
//
// The effect is as durable as PostgreSQL's commit. With synchronous_commit off, or a standby that takes over without the last
// commits, an acknowledged event loses its effect and its key.
//
// Which file answers which question:
//
//	handle.go    how does an effect happen once, whoever dies or freezes?
//	options.go   what can a handler choose?
//	failure.go   what may an error say, and when is it permanent?
//	open.go      where does the pool come from?
//	migrate.go   how do the tables get there? The SQL is in package schema.
//	sweep.go     how long are keys kept?
//	outbox.go    how does a message get into a transaction?
//	sender.go    how is it sent afterwards?
//	claims.go    who sends which message, and what became of it?
package postgres
