//go:build e2e

package postgres_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"sluice.internal/shared/config"
	"sluice.internal/worker"
	"sluice.internal/worker/handler"
	"sluice.internal/worker/postgres"
	"sluice.internal/worker/postgres/postgrestest"
)

// opened opens as a program does that has these variables, and returns its pool, its log and its end.
func opened(t *testing.T, options []postgres.OpenOption, environ ...string) (pool *pgxpool.Pool, log *buffer, stop func(), err error) {
	t.Helper()
	cfg, err := config.Load(config.Options{Environ: environ, WithoutTokens: true})
	must(t, err)
	log = &buffer{}
	_, stop, err = worker.Prepare(bounded(t), cfg, func(ctx context.Context, env *worker.Env) (*handler.Registry, error) {
		var err error
		pool, err = postgres.Open(ctx, env, options...)
		return handler.New(), err
	}, nil, slog.New(slog.NewTextHandler(log, nil)))
	return pool, log, stop, err
}

// buffer is written by several goroutines.
type buffer struct {
	mutex sync.Mutex
	bytes bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.bytes.Write(p)
}

func (b *buffer) String() string {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.bytes.String()
}

const urlVariable = "SLUICE_SETTINGS_POSTGRES_URL"

func TestPoolIsOpenedFromTheSettingsAndClosedAtTheEnd(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "url")
	must(t, os.WriteFile(file, []byte(server.Database(t)+"\n"), 0o600))
	section := postgres.Section("orders")
	named := postgres.Config(func(cfg *pgxpool.Config) { cfg.MinIdleConns = 1 })
	pool, log, stop, err := opened(t, []postgres.OpenOption{section, named}, "SLUICE_SETTINGS_ORDERS_URL_FILE="+file,
		"SLUICE_SETTINGS_ORDERS_MAX_CONNECTIONS=3", "SLUICE_SETTINGS_ORDERS_STATEMENT_TIMEOUT=1500ms")
	must(t, err)
	if keys := number(t, pool, "select count(*) from sluice_inbox"); keys != 0 || pool.Config().MaxConns != 3 || pool.Config().MinIdleConns != 1 {
		t.Errorf("pool of %d connections", pool.Config().MaxConns)
	}
	var timeout, name string
	must(t, pool.QueryRow(bounded(t), "select current_setting('statement_timeout'), current_setting('application_name')").Scan(&timeout, &name))
	if timeout != "1500ms" || name != "sluice" {
		t.Errorf("statement_timeout %s, application_name %s", timeout, name)
	}
	stop()
	if err := pool.Ping(bounded(t)); err == nil || log.String() != "" {
		t.Errorf("after the end: %v, log %s", err, log)
	}
}

func TestKeysThatAreKeptForTooShortAreToldAtTheStart(t *testing.T) {
	t.Parallel()
	url := urlVariable + "=" + server.Database(t)
	for want, environ := range map[string][]string{
		"":                      {"SLUICE_STREAMS_DEAD_LETTERS_KEEP=1400h"},
		"want_at_least=2183h":   {"SLUICE_STREAMS_DEAD_LETTERS_KEEP=1439h"},
		"want_at_least=1464h":   {"SLUICE_SETTINGS_POSTGRES_KEEP_KEYS=1463h"},
		"settings.postgres.kee": {"SLUICE_WORKER_RETRY_FOR=1000h"},
	} {
		_, log, stop, err := opened(t, nil, append(environ, url)...)
		must(t, err)
		stop()
		if got := log.String(); !strings.Contains(got, want) || want == "" && got != "" {
			t.Errorf("%s: log %s", environ, got)
		}
	}
}

func TestHandlerWhoseTimeIsOverHasItsStatementCancelled(t *testing.T) {
	t.Parallel()
	pool, _, stop, err := opened(t, nil, urlVariable+"="+server.Database(t))
	must(t, err)
	defer stop()
	ctx, cancel := context.WithCancel(bounded(t))
	verdict := make(chan error, 1)
	w := works(pool, func(ctx context.Context, tx pgx.Tx, _ handler.Event[order]) error {
		_, err := tx.Exec(ctx, "select pg_sleep(3600)")
		return err
	})
	go func() { verdict <- w.handle(ctx, numbered(1)) }()
	const sleeps = "select exists (select from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep')"
	awaitTrue(t, pool, sleeps)
	cancel()
	if err := <-verdict; err == nil || errors.Is(err, handler.ErrPermanent) {
		t.Errorf("verdict %v", err)
	}
	awaitTrue(t, pool, strings.Replace(sleeps, "exists", "not exists", 1))
	if keys := number(t, pool, "select count(*) from sluice_inbox"); keys != 0 {
		t.Errorf("%d keys", keys)
	}
}

func TestWhatCannotBeOpenedIsToldWithoutItsPassword(t *testing.T) {
	t.Parallel()
	url := server.Database(t)
	for name, test := range map[string]struct {
		environ []string
		says    string
	}{
		"no url":           {nil, "settings.postgres.url: is missing"},
		"no such thing":    {[]string{urlVariable + "=postgres://tests:secret word@:x/y"}, "settings.postgres.url is no connection string of PostgreSQL"},
		"nonsense":         {[]string{urlVariable + "=secret"}, "no connection string"},
		"wrong password":   {[]string{urlVariable + "=" + strings.Replace(url, "tests:", "tests:secret", 1)}, "password authentication failed"},
		"no such database": {[]string{urlVariable + "=" + url + "secret"}, "SQLSTATE 3D000"},
		"no tables":        {[]string{urlVariable + "=" + url, "SLUICE_SETTINGS_POSTGRES_MIGRATE=false"}, "sluice postgres schema"},
		"keys too short":   {[]string{urlVariable + "=" + url, "SLUICE_SETTINGS_POSTGRES_KEEP_KEYS=1h"}, "48h"},
	} {
		_, log, _, err := opened(t, nil, test.environ...)
		if err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if said := err.Error() + log.String(); strings.Contains(said, "secret word") || strings.Contains(said, postgrestest.Password) || strings.Contains(said, ":secret") {
			t.Errorf("%s repeats its password: %s", name, said)
		}
	}
}

func TestOpenWaitsForAServerThatStarts(t *testing.T) {
	t.Parallel()
	own := postgrestest.Start(t)
	url := own.Database(t)
	must(t, own.Stop())
	file := filepath.Join(t.TempDir(), "sluice.yaml")
	must(t, os.WriteFile(file, []byte(fmt.Sprintf("settings: {postgres: {url: %q}}\n", url)), 0o600))
	cfg, err := config.Load(config.Options{File: file, WithoutTokens: true})
	must(t, err)
	// The first attempt has failed when it is told.
	log := slog.New(slog.NewTextHandler(writerFunc(sync.OnceFunc(func() {
		if err := own.Resume(); err != nil {
			t.Error(err)
		}
	})), nil))
	_, stop, err := worker.Prepare(bounded(t), cfg, func(ctx context.Context, env *worker.Env) (*handler.Registry, error) {
		_, err := postgres.Open(ctx, env)
		return handler.New(), err
	}, nil, log)
	must(t, err)
	stop()
}

type writerFunc func()

func (w writerFunc) Write(p []byte) (int, error) {
	w()
	return len(p), nil
}

func TestConnectionThatIsNotGivenBackKeepsNoProgram(t *testing.T) {
	t.Parallel()
	pool, log, stop, err := opened(t, nil, urlVariable+"="+server.Database(t))
	must(t, err)
	conn, err := pool.Acquire(bounded(t))
	must(t, err)
	defer conn.Release()
	ended := make(chan struct{})
	go func() {
		stop()
		close(ended)
	}()
	select {
	case <-ended:
	case <-time.After(waitTimeout):
		t.Fatal("the program does not end")
	}
	if !strings.Contains(log.String(), "is left open") {
		t.Errorf("log %s", log)
	}
}
