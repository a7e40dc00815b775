// Orders is a worker that writes what customers order into PostgreSQL and answers them: one row and one answer for each order,
// however often its event comes. Its table is in orders.sql.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"sluice.internal/worker"
	"sluice.internal/worker/handler"
	"sluice.internal/worker/postgres"
)

func main() { worker.Main(handlers) }

func handlers(ctx context.Context, env *worker.Env) (*handler.Registry, error) {
	var answers answers
	if err := env.Config("answers", &answers); err != nil {
		return nil, err
	}
	pool, err := postgres.Open(ctx, env)
	if err != nil {
		return nil, err
	}
	postgres.NewSender(pool, answers.send, postgres.SenderOptions{Log: env.Log}).Start(ctx, env)

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
	answer, err := json.Marshal(map[string]string{"chatId": event.OrderKey, "message": "We have got your order: " + what})
	if err != nil {
		return err
	}
	return postgres.Enqueue(ctx, tx, event.About, postgres.Message{Kind: "answer", Body: answer})
}

// answers are sent to whoever sends messages for the shop.
type answers struct {
	URL string `yaml:"url" required:"true"`
}

// send is called when the order is committed, at least once, and again where it is unsure whether the answer went out. The
// header lets the other side know an answer that it has sent.
func (a *answers) send(ctx context.Context, message postgres.Message) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, a.URL, strings.NewReader(string(message.Body)))
	if err != nil {
		return handler.Permanent(err)
	}
	request.Header.Set("Idempotency-Key", strconv.FormatInt(message.ID, 10))
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	switch {
	case response.StatusCode < http.StatusMultipleChoices:
		return nil
	case response.StatusCode == http.StatusTooManyRequests:
		return handler.RetryAfter(time.Minute, fmt.Errorf("answered %s", response.Status))
	}
	return fmt.Errorf("answered %s", response.Status)
}
