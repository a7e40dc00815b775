package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"sluice.internal/worker/postgres/schema"
)

// Executor runs statements outside of the transactions of handlers. A *pgxpool.Pool does.
type Executor interface {
	Exec(ctx context.Context, sql string, arguments ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, sql string, arguments ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, arguments ...any) pgx.Row
}

// errTables is that the tables have to be migrated.
var errTables = errors.New(noTables)

// Migrate makes the tables, or brings them to the version of this program, in the first schema of the search path. Any number
// of workers may do so at once: one migrates, the others wait for it until their context ends. With tables that are up to date,
// or newer, it does nothing and needs no right to change them.
func Migrate(ctx context.Context, db Executor) error {
	version, err := versionOf(ctx, db)
	if err != nil || version >= schema.Version() {
		return err
	}
	if _, err := db.Exec(ctx, schema.Script()); err != nil {
		return fmt.Errorf("migrate the tables of Sluice: %w", newSettings(nil).failed("", err))
	}
	return nil
}

// check returns an error when the tables are older than this program.
func check(ctx context.Context, db Executor) error {
	version, err := versionOf(ctx, db)
	if err == nil && version < schema.Version() {
		err = errTables
	}
	return err
}

// versionOf returns the version of the tables, 0 where there are none.
func versionOf(ctx context.Context, db Executor) (version int, err error) {
	there := false
	if err = db.QueryRow(ctx, "select to_regclass('sluice_migrations') is not null").Scan(&there); err == nil && there {
		err = db.QueryRow(ctx, "select coalesce(max(version), 0) from sluice_migrations").Scan(&version)
	}
	if err != nil {
		return 0, newSettings(nil).failed("read the version of the tables of Sluice", err)
	}
	return version, nil
}
