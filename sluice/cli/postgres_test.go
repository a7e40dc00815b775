package cli_test

import (
	"testing"

	"sluice.internal/worker/postgres/schema"
)

func TestTablesOfPostgreSQLAreExactlyWhatProgramsMake(t *testing.T) {
	t.Parallel()
	if got := run(t, "postgres", "schema"); got.code != 0 || got.stdout != schema.Script() || got.stderr != "" {
		t.Errorf("printed %+v", got)
	}
}
