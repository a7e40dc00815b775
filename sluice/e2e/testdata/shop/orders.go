package handlers

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"sluice.internal/worker/handler"
	"sluice.internal/worker/postgres"
)

// Message is the part of an incoming message that the handler reads.
type Message struct {
	ID string `json:"idMessage"`
}

// ordered takes each message for an order, and writes that and its answer. Both are there once it has returned nil, or neither.
// GREEN-API may send a message again with another text, under the same id: that is the same order.
func ordered(ctx context.Context, tx pgx.Tx, event handler.Event[Message]) error {
	written, err := tx.Exec(ctx, "insert into orders (instance, id, chat) values ($1, $2, $3) on conflict do nothing",
		event.Instance, event.Body.ID, event.OrderKey)
	if err != nil || written.RowsAffected() == 0 {
		return err
	}
	answer := fmt.Appendf(nil, "We have got your order %s", event.Body.ID)
	return postgres.Enqueue(ctx, tx, event.About, postgres.Message{Kind: "text", Body: answer})
}
