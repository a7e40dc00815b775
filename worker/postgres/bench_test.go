//go:build e2e

package postgres_test

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"sluice.internal/shared/notification"
	"sluice.internal/worker/handler"
	"sluice.internal/worker/postgres"
	"sluice.internal/worker/postgres/postgrestest"
)

// What an event costs in a PostgreSQL that syncs: a row by itself, the row with its key, a repetition, and several events in
// one transaction with a savepoint each, so that one that fails takes no other along. `make bench` runs them.
func BenchmarkEvents(b *testing.B) {
	own := postgrestest.Start(b, "fsync=on", "max_connections=100", "shared_buffers=256MB")
	for _, connections := range []int{1, 16} {
		for _, kind := range []string{"row alone", "row and key", "repetition", "batches of 10", "batches of 100"} {
			b.Run(fmt.Sprintf("%s, %d connections", kind, connections), func(b *testing.B) { benchmark(b, own, kind, connections) })
		}
	}
}

func benchmark(b *testing.B, own *postgrestest.Server, kind string, connections int) {
	b.Helper()
	cfg := postgrestest.Connect(b, own.Database(b)).Config()
	cfg.MaxConns, cfg.MinConns = int32(connections), int32(connections)
	pool, err := pgxpool.NewWithConfig(bounded(b), cfg)
	must(b, err)
	b.Cleanup(pool.Close)
	must(b, postgres.Migrate(bounded(b), pool))
	execute(b, pool, "create table orders (id text primary key, event text not null, amount bigint not null)")
	handle := measured(pool, kind)
	if kind == "repetition" {
		must(b, handle(context.Background(), 0))
	}
	var next atomic.Int64
	var workers sync.WaitGroup
	b.ResetTimer()
	for range connections {
		workers.Go(func() {
			for n := next.Add(1) - 1; n < int64(b.N); n = next.Add(1) - 1 {
				if kind == "repetition" {
					n = 0
				}
				if err := handle(context.Background(), int(n)); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	workers.Wait()
	b.StopTimer()
	events := float64(b.N)
	switch kind {
	case "batches of 10":
		events *= 10
	case "batches of 100":
		events *= 100
	}
	b.ReportMetric(events/b.Elapsed().Seconds(), "events/s")
}

// measured returns what is done with the event, or the batch, of a number.
func measured(pool *pgxpool.Pool, kind string) func(context.Context, int) error {
	insert := func(ctx context.Context, tx pgx.Tx, id string) error {
		_, err := tx.Exec(ctx, "insert into orders values ($1, $2, 1)", id, notification.Key(id))
		return err
	}
	batch := func(size int) func(context.Context, int) error {
		return func(ctx context.Context, n int) error {
			return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
				for i := range size {
					id := fmt.Sprint(n*size + i)
					if err := pgx.BeginFunc(ctx, tx, func(tx pgx.Tx) error {
						_, err := tx.Exec(ctx, "insert into sluice_inbox (group_name, key, type) values ('default', $1, 'paid') on conflict do nothing", notification.Key(id))
						if err != nil {
							return err
						}
						return insert(ctx, tx, id)
					}); err != nil {
						return err
					}
				}
				return nil
			})
		}
	}
	switch kind {
	case "row alone":
		return func(ctx context.Context, n int) error {
			return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error { return insert(ctx, tx, fmt.Sprint(n)) })
		}
	case "batches of 10":
		return batch(10)
	case "batches of 100":
		return batch(100)
	}
	registry := handler.New()
	handler.Register(registry, "shop", "paid", postgres.Handle(pool, func(ctx context.Context, tx pgx.Tx, event handler.Event[order]) error {
		return insert(ctx, tx, event.Body.ID)
	}))
	return func(ctx context.Context, n int) error {
		body, err := json.Marshal(order{ID: fmt.Sprint(n)})
		if err != nil {
			return err
		}
		_, err = registry.Handle(ctx, notification.Event{
			Origin:   notification.Origin{Source: "shop", Provider: "shop", Body: body, ContentType: "application/json"},
			Identity: notification.Identity{Type: "paid", Key: notification.Key(fmt.Sprint(n))},
		}, handler.Tools{Group: "default"})
		return err
	}
}
