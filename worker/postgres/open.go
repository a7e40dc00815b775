package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
	"github.com/jackc/pgx/v5/pgxpool"

	"sluice.internal/shared/config"
	"sluice.internal/worker"
)

const (
	// openTimeout is how long Open waits for a PostgreSQL that starts together with the worker.
	openTimeout = 30 * time.Second
	// openPause is how long it is from one attempt to the next.
	openPause = 500 * time.Millisecond
	// closeTimeout is how long the end waits for connections that a handler has not given back.
	closeTimeout = 5 * time.Second
	// cancelTimeout is how long a cancelled statement may take to end before its connection is closed.
	cancelTimeout = 2 * time.Second
)

// Settings are a section of the settings in sluice.yaml, "postgres" unless [Section] says otherwise.
type Settings struct {
	// URL is where the database is, as a URL or as pairs: host=… user=…. What it leaves out comes from the variables of
	// PostgreSQL, such as PGPASSWORD.
	URL config.Secret `yaml:"url" required:"true"`
	// MaxConnections is how many connections a worker has. A handler that gets none waits for one within its time.
	MaxConnections int `yaml:"max_connections" default:"16" min:"1" max:"10000"`
	// StatementTimeout is how long one statement may take; 0 leaves it to the server, as PgBouncer wants.
	StatementTimeout time.Duration `yaml:"statement_timeout" default:"30s" min:"0s"`
	// Migrate makes the tables at the start, or brings them to the program's version.
	Migrate bool `yaml:"migrate" default:"true"`
	// KeepKeys is how long the key of a handled event is kept; see [DefaultKeepKeys].
	KeepKeys time.Duration `yaml:"keep_keys" default:"2160h" min:"48h"`
}

// OpenOption is what a program chooses about its pool.
type OpenOption func(*opening)

type opening struct {
	section string
	change  []func(*pgxpool.Config)
}

// Section is the name of the section of the settings, for a program with several databases.
func Section(name string) OpenOption { return func(o *opening) { o.section = name } }

// Config changes what the pool is made of, such as its tracer or types of one's own.
func Config(change func(*pgxpool.Config)) OpenOption {
	return func(o *opening) { o.change = append(o.change, change) }
}

// Open reads the settings, connects, migrates where that is wanted, and sweeps keys of handled events from then on. It waits
// for half a minute for a PostgreSQL that is not there yet. The pool is closed when the program ends, after the last handler;
// one that does not return its connection is not waited for. No error repeats the connection string.
func Open(ctx context.Context, env *worker.Env, options ...OpenOption) (*pgxpool.Pool, error) {
	o := opening{section: "postgres"}
	for _, set := range options {
		set(&o)
	}
	var s Settings
	if err := env.Config(o.section, &s); err != nil {
		return nil, err
	}
	cfg, err := s.pool(o.section)
	if err != nil {
		return nil, err
	}
	for _, change := range o.change {
		change(cfg)
	}
	pool, err := pgxpool.NewWithConfig(context.WithoutCancel(ctx), cfg)
	if err != nil {
		return nil, newSettings(nil).failed("open PostgreSQL", err)
	}
	env.OnStop(func() { closePool(pool, env.Log) })
	if err := s.prepare(ctx, pool, env.Log); err != nil {
		return nil, err
	}
	if comes := env.ComesAgainFor(); s.KeepKeys < comes {
		env.Log.Warn("keys of handled events are kept for less than an event can come again, which then has its effect again",
			"key", "settings."+o.section+".keep_keys", "is", s.KeepKeys, "want_at_least", comes)
	}
	sweeping, stop := context.WithCancel(context.WithoutCancel(ctx))
	var sweeper sync.WaitGroup
	sweeper.Go(func() { sweepOn(sweeping, pool, s.KeepKeys, env.Log) })
	env.OnStop(func() {
		stop()
		sweeper.Wait() // A statement that is cancelled ends within cancelTimeout.
	})
	return pool, nil
}

// pool returns the pool's configuration.
func (s Settings) pool(section string) (*pgxpool.Config, error) {
	cfg, err := pgxpool.ParseConfig(s.URL.Reveal())
	if err != nil { // Its text has parts of the string, with the password in them at worst.
		return nil, fmt.Errorf("settings.%s.url is no connection string of PostgreSQL, want postgres://USER:PASSWORD@HOST:PORT/DATABASE "+
			"with %%-encoded special characters, or host=… user=… pairs", section)
	}
	cfg.MaxConns = int32(s.MaxConnections) //nolint:gosec // At most 10,000.
	parameters := cfg.ConnConfig.RuntimeParams
	if _, named := parameters["application_name"]; !named {
		parameters["application_name"] = "sluice"
	}
	if s.StatementTimeout > 0 {
		parameters["statement_timeout"] = strconv.FormatInt(max(s.StatementTimeout.Milliseconds(), 1), 10)
	}
	// A handler whose time is over has its statement cancelled; closing the connection would leave it running in PostgreSQL.
	cfg.ConnConfig.BuildContextWatcherHandler = func(conn *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.CancelRequestContextWatcherHandler{Conn: conn, DeadlineDelay: cancelTimeout}
	}
	return cfg, nil
}

// prepare waits for PostgreSQL and sees to its tables.
func (s Settings) prepare(ctx context.Context, pool *pgxpool.Pool, log *slog.Logger) error {
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	for waits := 0; ; waits++ {
		err := pool.Ping(ctx)
		if err == nil {
			break
		}
		if !mayComeUp(err) || !pause(ctx, openPause) {
			return newSettings(nil).failed("connect to PostgreSQL", err)
		}
		if waits == 0 {
			log.Warn("no connection to PostgreSQL yet", "wait", openTimeout, "error", newSettings(nil).describe(err))
		}
	}
	if s.Migrate {
		return Migrate(ctx, pool)
	}
	return check(ctx, pool)
}

// mayComeUp reports whether PostgreSQL may take a connection a moment later: it is not there, it starts, or it is full. A
// wrong password stays wrong.
func mayComeUp(err error) bool {
	refused, ok := errors.AsType[*pgconn.PgError](err)
	return !ok || class(refused.Code) == "57" || class(refused.Code) == "53"
}

// closePool closes the pool, and does not wait for ever for who has a connection of it.
func closePool(pool *pgxpool.Pool, log *slog.Logger) {
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		pool.Close()
	}()
	timer := time.NewTimer(closeTimeout)
	defer timer.Stop()
	select {
	case <-closed:
	case <-timer.C:
		log.Warn("the pool of PostgreSQL is left open, since a handler has not given its connection back", "timeout", closeTimeout)
	}
}

// pause waits, and reports false when the context ended meanwhile.
func pause(ctx context.Context, wait time.Duration) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
