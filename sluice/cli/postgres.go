package cli

import (
	"strings"

	"sluice.internal/worker/postgres/schema"
)

// postgresCommand is `sluice postgres`: what programs with handlers in PostgreSQL need there.
type postgresCommand struct {
	Schema postgresSchemaCommand `cmd:"" help:"Print the tables as SQL, to be run before a program that may not make them."`
}

func (postgresCommand) Help() string {
	return `Handlers of worker/postgres have tables in your database. A program makes them at its start, unless ` +
		`settings.postgres.migrate is false.

Example:

    sluice postgres schema | psql "$DATABASE_URL"`
}

// postgresSchemaCommand is `sluice postgres schema`. It connects to nothing.
type postgresSchemaCommand struct{}

func (postgresSchemaCommand) Help() string {
	return `It is one transaction that makes the tables, or brings them to this version, and does nothing where they have it.

Example:

    sluice postgres schema | psql --set ON_ERROR_STOP=1 "$DATABASE_URL"`
}

// Run prints the script.
func (postgresSchemaCommand) Run(s *session) error {
	return s.out.Line("%s", strings.TrimSuffix(schema.Script(), "\n"))
}
