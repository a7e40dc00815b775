package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/url"
	"sync"
	"time"

	"sluice.internal/worker"
)

const (
	// DefaultKeepKeys is how long the key of a handled event is kept. An event can come again for 61 days with Sluice's
	// defaults: replayed for as long as it is stored (streams.events.max_age, 30 days), then tried for a day
	// (worker.retry_for), then a dead letter (streams.dead_letters.keep, 30 days).
	DefaultKeepKeys = 90 * 24 * time.Hour
	// MinKeepKeys is twice the time in which an event whose commit had an unknown outcome is tried again by itself. Less than
	// that is a mistake.
	MinKeepKeys = 48 * time.Hour

	// sweepBatch is how many keys are removed in one transaction, so that handlers do not wait long.
	sweepBatch = 1000
	// sweepEvery is how long it is from one sweep to the next.
	sweepEvery = time.Hour
	// maxConnections are for the transaction that writes and for those who read beside it.
	maxConnections = 8
)

const tables = `create table if not exists sluice_inbox (
	group_name text    not null, -- of the workers that handled the event
	key        text    not null, -- of the event
	type       text    not null,
	handled_at integer not null, -- in seconds since 1970
	primary key (group_name, key)
) without rowid;
create index if not exists sluice_inbox_handled_at on sluice_inbox (handled_at)`

const sweep = `delete from sluice_inbox where (group_name, key) in
	(select group_name, key from sluice_inbox where handled_at < unixepoch() - ? order by handled_at limit ?)`

// DB is a database in which one handler of the process writes at a time.
type DB struct {
	*sql.DB

	writing chan struct{} // has an element while a transaction of an event is open
}

// New makes a DB of a pool of connections that somebody else has opened. All handlers that write into the file have to share it.
// It makes the table of keys where there is none.
func New(ctx context.Context, pool *sql.DB) (*DB, error) {
	if _, err := pool.ExecContext(ctx, tables); err != nil {
		return nil, fmt.Errorf("make the table of keys: %w", err)
	}
	return &DB{DB: pool, writing: make(chan struct{}, 1)}, nil
}

// Settings are a section of the settings in sluice.yaml, "sqlite" unless [Section] says otherwise.
type Settings struct {
	// File is where the database is. Its folder has to be there, on a disk of this machine.
	File string `yaml:"file" required:"true"`
	// BusyTimeout is how long a statement waits for the transaction of another process.
	BusyTimeout time.Duration `yaml:"busy_timeout" default:"5s" min:"1ms"`
	// KeepKeys is how long the key of a handled event is kept; see [DefaultKeepKeys].
	KeepKeys time.Duration `yaml:"keep_keys" default:"2160h" min:"48h"`
}

// OpenOption is what a program chooses about its database.
type OpenOption func(section *string)

// Section is the name of the section of the settings, for a program with several databases.
func Section(name string) OpenOption { return func(section *string) { *section = name } }

// Open reads the settings, opens the file or makes it, and sweeps keys of handled events from then on. The file is closed when
// the program ends, after the last handler. What was committed is on the disk: it has a write-ahead log that is synced with
// each commit.
func Open(ctx context.Context, env *worker.Env, options ...OpenOption) (*DB, error) {
	section := "sqlite"
	for _, set := range options {
		set(&section)
	}
	var s Settings
	if err := env.Config(section, &s); err != nil {
		return nil, err
	}
	pool, err := sql.Open("sqlite", s.name())
	if err != nil {
		return nil, fmt.Errorf("open %q: %w", s.File, err)
	}
	env.OnStop(func() { _ = pool.Close() }) // What was committed is on the disk already.
	pool.SetMaxOpenConns(maxConnections)
	db, err := New(ctx, pool)
	if err != nil {
		return nil, fmt.Errorf("open %q: %w", s.File, err)
	}
	if comes := env.ComesAgainFor(); s.KeepKeys < comes {
		env.Log.Warn("keys of handled events are kept for less than an event can come again, which then has its effect again",
			"key", "settings."+section+".keep_keys", "is", s.KeepKeys, "want_at_least", comes)
	}
	sweeping, stop := context.WithCancel(context.WithoutCancel(ctx))
	var sweeper sync.WaitGroup
	sweeper.Go(func() { db.sweepOn(sweeping, s.KeepKeys, env.Log) })
	env.OnStop(func() {
		stop()
		sweeper.Wait() // It waits at most for the busy timeout.
	})
	return db, nil
}

// name is what the driver opens.
func (s Settings) name() string {
	pragmas := url.Values{"_pragma": {
		fmt.Sprintf("busy_timeout(%d)", s.BusyTimeout.Milliseconds()), "journal_mode(wal)", "synchronous(full)", "foreign_keys(1)",
	}}
	return (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: s.File}).EscapedPath(), RawQuery: pragmas.Encode()}).String()
}

// Sweep removes keys of events that were handled longer than keep ago, in short transactions. An event that comes again after
// that has its effect again. Keep has to be longer than an event can come again: see [DefaultKeepKeys]; below [MinKeepKeys] it is
// an error. What was removed before an error stays so.
func (db *DB) Sweep(ctx context.Context, keep time.Duration) (removed int64, err error) {
	if keep < MinKeepKeys {
		return 0, fmt.Errorf("sweep keys of events: they are to be kept for %s, want %s at least", keep, MinKeepKeys)
	}
	for last := int64(sweepBatch); last == sweepBatch; removed += last {
		if last, err = db.sweepSome(ctx, keep); err != nil {
			return removed, fmt.Errorf("sweep keys of events: %w", err)
		}
	}
	return removed, nil
}

// sweepSome takes its turn with the handlers.
func (db *DB) sweepSome(ctx context.Context, keep time.Duration) (removed int64, err error) {
	select {
	case db.writing <- struct{}{}:
		defer func() { <-db.writing }()
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	result, err := db.ExecContext(ctx, sweep, int64(keep.Seconds()), sweepBatch)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// sweepOn sweeps every hour until the context ends.
func (db *DB) sweepOn(ctx context.Context, keep time.Duration, log *slog.Logger) {
	timer := time.NewTimer(rand.N(sweepEvery)) //nolint:gosec // Nobody is kept from guessing it.
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		if _, err := db.Sweep(ctx, keep); err != nil && ctx.Err() == nil {
			log.Warn("keys of handled events are not swept, they stay until the next time", "error", err, "next_in", sweepEvery)
		}
		timer.Reset(sweepEvery)
	}
}
