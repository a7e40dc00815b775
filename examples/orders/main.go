// Orders is a worker that writes what customers order into PostgreSQL and answers them: one row and one answer for each order,
// however often its event comes. Its table is in orders.sql.
package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"sluice.internal/worker"
	"sluice.internal/worker/greenapi"
	"sluice.internal/worker/handler"
	"sluice.internal/worker/postgres"
)

func main() { worker.Main(handlers) }

func handlers(ctx context.Context, env *worker.Env) (*handler.Registry, error) {
	accounts, err := env.GreenAPI()
	if err != nil {
		return nil, err
	}
	pool, err := postgres.Open(ctx, env)
	if err != nil {
		return nil, err
	}
	// It is called once the order is committed, and again where that is of use or nobody knows whether the answer went out.
	postgres.NewSender(pool, func(ctx context.Context, m postgres.Message) error {
		return accounts.Deliver(ctx, greenapi.Delivery{
			Source: m.Source, Instance: m.Instance, Chat: m.Chat, Text: string(m.Body), WrittenAt: m.CreatedAt, Unsure: m.Unsure,
		})
	}, postgres.SenderOptions{Log: env.Log}).Start(ctx, env)

	registry, own := handler.BuiltIn(), handler.New()
	handler.Register(own, "green-api", "incomingMessageReceived", postgres.Handle(pool, ordered))
	registry.Include(own) // In place of the built-in handler.
	return registry, nil
}

// Message is the part of the body that the handler reads.
type Message struct {
	ID   string `json:"idMessage"`
	Data struct {
		Text struct {
			Text string `json:"textMessage"`
		} `json:"textMessageData"`
	} `json:"messageData"`
}

// ordered writes the order and its answer. Both are there once it has returned nil, or neither.
func ordered(ctx context.Context, tx pgx.Tx, event handler.Event[Message]) error {
	what, isOrder := strings.CutPrefix(event.Body.Data.Text.Text, "order ")
	if !isOrder {
		return nil
	}
	_, err := tx.Exec(ctx, "insert into orders (id, chat, what, at) values ($1, $2, $3, $4)",
		event.Body.ID, event.OrderKey, what, event.SentAt)
	if err != nil {
		return fmt.Errorf("insert order: %w", err)
	}
	return postgres.Enqueue(ctx, tx, event.About, postgres.Message{Kind: "text", Body: []byte("We have got your order: " + what)})
}
