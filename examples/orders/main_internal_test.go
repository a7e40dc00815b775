//go:build e2e

package main

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"sluice.internal/shared/config"
	"sluice.internal/shared/greenapi/mock"
	"sluice.internal/worker"
	"sluice.internal/worker/handler"
	"sluice.internal/worker/handlertest"
	"sluice.internal/worker/postgres/postgrestest"
)

// token is the instance's apiTokenInstance.
const token = "d75b3a66374942c5b3c019c698abc2067e151558acbd412345"

const body = `{"typeWebhook":"incomingMessageReceived","instanceData":{"idInstance":1101000001,"wid":"79001234567@c.us","typeInstance":"whatsapp"},
"timestamp":1749207600,"idMessage":"BAE5","senderData":{"chatId":"79007654321@c.us","sender":"79007654321@c.us"},
"messageData":{"typeMessage":"textMessage","textMessageData":{"textMessage":"order two pizzas"}}}`

func TestOrderIsWrittenAndAnsweredOnceHoweverOftenItComes(t *testing.T) {
	t.Parallel()
	api, answered := mock.New(mock.Options{}), make(chan struct{}, 10)
	account := api.Add("1101000001", token)
	shop := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		api.ServeHTTP(w, request)
		answered <- struct{}{}
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
	case <-answered:
		if got := string(account.Sent()[0].Body); got != `{"chatId":"79007654321@c.us","message":"We have got your order: two pizzas"}` {
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
	folder := t.TempDir()
	file := filepath.Join(folder, "sluice.yaml")
	written := "sources: {green-api: {instances: {\"1101000001\": {api_url: \"" + answers + "\", token_file: token}}}}\n"
	for name, text := range map[string]string{file: written, filepath.Join(folder, "token"): token} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cfg, err := config.Load(config.Options{File: file, WithoutTokens: true, Environ: []string{"SLUICE_SETTINGS_POSTGRES_URL=" + url}})
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
