// Package schema has the tables of package postgres as SQL, without a driver, for those who only print it.
package schema

import (
	"embed"
	"fmt"
	"io/fs"
	"strings"
)

// files are the migrations, each with its version in front of its name. One that was released never changes.
//
//go:embed *.sql
var files embed.FS

// lock keeps two migrations apart: "sluice" as a number. It is held until the end of the transaction.
const lock = 126909663503205

// Version returns the version of the tables, which is that of the last migration.
func Version() int { return len(names()) }

// Script returns SQL that brings the tables to their version, whatever version they have. It is one transaction, may run
// several times, also at once, and does nothing where there is nothing left to do.
func Script() string {
	var all strings.Builder
	fmt.Fprintf(&all, "begin;\nset local client_min_messages = warning;\ndo $sluice$ begin perform pg_advisory_xact_lock(%d); end $sluice$;\n", lock)
	all.WriteString("create table if not exists sluice_migrations (\n    version    integer     primary key,\n" +
		"    applied_at timestamptz not null default now()\n);\n")
	for i, name := range names() {
		content, err := files.ReadFile(name)
		if err != nil {
			panic(err) // It is part of the program.
		}
		// PostgreSQL has no condition around a statement but in a block.
		fmt.Fprintf(&all, "do $sluice$ begin if not exists (select from sluice_migrations where version = %d) then\n%sinsert into "+
			"sluice_migrations (version) values (%[1]d);\nend if; end $sluice$;\n", i+1, content)
	}
	all.WriteString("commit;\n")
	return all.String()
}

// names returns the files in the order of their versions.
func names() []string {
	all, err := fs.Glob(files, "*.sql")
	if err != nil {
		panic(err) // The pattern is right.
	}
	return all
}
