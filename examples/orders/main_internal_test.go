//go:build e2e

package main

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"sluice.internal/shared/config"
	"sluice.internal/worker"
	"sluice.internal/worker/handler"
	"sluice.internal/worker/handlertest"
	"sluice.internal/worker/postgres/postgrestest"
)

const body = `{"typeWebhook":"incomingMessageReceived","instanceData":{"idInstance":1101000001,"wid":"79001234567@c.us","typeInstance":"whatsapp"},
"timestamp":1749207600,"idMessage":"BAE5","senderData":{"chatId":"79007654321@c.us","sender":"79007654321@c.us"},
"messageData":{"typeMessage":"textMessage","textMessageData":{"textMessage":"order two pizzas"}}}`

func TestOrderIsWrittenAndAnsweredOnceHoweverOftenItComes(t *testing.T) {
	t.Parallel()
	answered := make(chan string, 10)
	shop := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, request *http.Request) {
		text, err := io.ReadAll(request.Body)
		if err != nil {
			t.Error(err)
		}
		answered <- request.Header.Get("Idempotency-Key") + string(text)
	}))
	defer shop.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	registry, pool, stop := started(ctx, t, shop.URL)
	for range 3 {
		if result := handlertest.Handle(t, registry, handlertest.Notification{Body: body}); result.Err != nil {
			t.Fatal(result.Err)
		}
	}
	if result := handlertest.Handle(t, registry, handlertest.Notification{Body: strings.ReplaceAll(body, "order two", "no")}); result.Err != nil {
		t.Fatal(result.Err)
	}
	select {
	case got := <-answered:
		if want := `1{"chatId":"79007654321@c.us","message":"We have got your order: two pizzas"}`; got != want {
			t.Errorf("answered %s", got)
		}
	case <-ctx.Done():
		t.Fatal("nobody was answered")
	}
	stop()
	var orders, waiting int
	if err := pool.QueryRow(t.Context(), "select count(*), (select count(*) from sluice_outbox where done_at is null) from orders").Scan(&orders, &waiting); err != nil {
		t.Fatal(err)
	}
	if orders != 1 || waiting != 0 || len(answered) != 0 {
		t.Errorf("%d orders, %d answers wait, %d too many were sent", orders, waiting, len(answered))
	}
}

// started sets the program's handlers up, with a database of their own.
func started(ctx context.Context, t *testing.T, answers string) (registry *handler.Registry, pool *pgxpool.Pool, stop func()) {
	t.Helper()
	server := postgrestest.Start(t)
	url := server.Database(t)
	pool = postgrestest.Connect(t, url)
	table, err := os.ReadFile("orders.sql")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pool.Exec(ctx, string(table)); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(config.Options{
		WithoutTokens: true, Environ: []string{"SLUICE_SETTINGS_POSTGRES_URL=" + url, "SLUICE_SETTINGS_ANSWERS_URL=" + answers},
	})
	if err != nil {
		t.Fatal(err)
	}
	parts, stop, err := worker.Prepare(ctx, cfg, handlers, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	registry, _ = parts.Handlers.(*handler.Registry)
	return registry, pool, stop
}
