//go:build e2e

package postgres_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"sluice.internal/worker/postgres"
	"sluice.internal/worker/postgres/postgrestest"
	"sluice.internal/worker/postgres/schema"
)

func TestManyWorkersMigrateAtOnce(t *testing.T) {
	t.Parallel()
	pool := server.Pool(t)
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			if err := postgres.Migrate(bounded(t), pool); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if got := number(t, pool, "select max(version) from sluice_migrations"); got != schema.Version() || got == 0 {
		t.Errorf("version %d", got)
	}
	execute(t, pool, tables)
	must(t, works(pool, book).handle(bounded(t), numbered(1)))
	execute(t, pool, schema.Script()) // As psql would run it: it changes nothing.
	if keys := number(t, pool, "select count(*) from sluice_inbox"); keys != 1 {
		t.Errorf("%d keys", keys)
	}
}

// Workers may have no right to change tables, and may be older than these.
func TestTablesThatAreUpToDateAreLeftAlone(t *testing.T) {
	t.Parallel()
	pool := migrated(t)
	execute(t, pool, "insert into sluice_migrations values (1000)")
	execute(t, pool, "create role limited login password 'limited'") // There is one of this name in the whole server.
	t.Cleanup(func() {
		execute(t, pool, "drop owned by limited")
		execute(t, pool, "drop role limited")
	})
	execute(t, pool, "grant select on sluice_migrations to limited")
	execute(t, pool, "revoke create on schema public from public")
	url := strings.Replace(pool.Config().ConnString(), "tests:"+strings.ReplaceAll(postgrestest.Password, " ", "%20"), "limited:limited", 1)
	limited := postgrestest.Connect(t, url)
	if err := postgres.Migrate(bounded(t), limited); err != nil {
		t.Error(err)
	}
	execute(t, pool, "delete from sluice_migrations")
	if err := postgres.Migrate(bounded(t), limited); err == nil || !strings.Contains(err.Error(), "permission denied for schema public") {
		t.Errorf("without the right to migrate: %v", err)
	}
}

func TestSweepRemovesOldKeysAloneAndAllOfThem(t *testing.T) {
	t.Parallel()
	pool := migrated(t)
	execute(t, pool, "insert into sluice_inbox select 'default', 'old' || n, 'paid', now() - interval '91 days' from generate_series(1, 2500) n")
	execute(t, pool, "insert into sluice_inbox select 'default', 'new' || n, 'paid', now() - interval '89 days' from generate_series(1, 10) n")
	const message = "insert into sluice_outbox (group_name, key, source, instance, chat, kind, body, created_at, done_at) " +
		"select 'default', n::text, '', '', '', '', '', now() - interval '1 year', "
	execute(t, pool, message+"now() - interval '31 days' from generate_series(1, 5) n")
	execute(t, pool, message+"null from generate_series(1, 3) n") // Nobody has sent them.
	execute(t, pool, message+"now() - interval '29 days' from generate_series(1, 4) n")
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if _, err := postgres.Sweep(bounded(t), pool, postgres.DefaultKeepKeys); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	// What one of them left to another is gone now.
	if removed, err := postgres.Sweep(bounded(t), pool, postgres.DefaultKeepKeys); err != nil || removed > 0 {
		t.Errorf("%d left over, error %v", removed, err)
	}
	if keys := number(t, pool, "select count(*) from sluice_inbox where key like 'new%'"); keys != 10 || number(t, pool, "select count(*) from sluice_inbox") != 10 {
		t.Errorf("%d of the new keys are left", keys)
	}
	if messages := number(t, pool, "select count(*) from sluice_outbox"); messages != 7 {
		t.Errorf("%d messages are left, want 7", messages)
	}
	if _, err := postgres.Sweep(bounded(t), pool, time.Hour); err == nil {
		t.Error("keys may be kept for less than an event is tried")
	}
}
