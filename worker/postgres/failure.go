package postgres

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Classes and codes of SQLSTATE, as appendix A of PostgreSQL's manual has them.
const (
	classData       = "22"
	classConstraint = "23"
	codeIdle        = "25P03" // idle_in_transaction_session_timeout
	codeSyntax      = "42601"
	codeNoTable     = "42P01"
	codeLock        = "55P03" // lock_not_available
)

// failure is an error whose text repeats no value. What it is about is within it, for errors.As.
type failure struct {
	text  string
	cause error
}

func (f *failure) Error() string { return f.text }
func (f *failure) Unwrap() error { return f.cause }

// isPermanent reports whether an option makes the error a permanent one.
func (s settings) isPermanent(err error) bool {
	refused, ok := errors.AsType[*pgconn.PgError](err)
	return ok && s.permanent[class(refused.Code)]
}

func class(code string) string { return code[:min(2, len(code))] }

// describe returns the text of an error in which nothing repeats what people wrote: PostgreSQL's messages about values, what
// pgx could not encode or decode, and connection strings are taken out of it.
func (s settings) describe(err error) string {
	text := err.Error()
	if s.showMessage {
		return text
	}
	for one := range tree(err) {
		switch one := one.(type) { //nolint:errorlint // The tree is walked here.
		case *pgconn.PgError:
			text = strings.ReplaceAll(text, one.Error(), describeRefusal(one))
		case pgx.ScanArgError:
			text = strings.ReplaceAll(text, one.Error(), fmt.Sprintf("can't scan into dest[%d] (col: %s)", one.ColumnIndex, one.FieldName))
		case *pgconn.ParseConfigError:
			text = strings.ReplaceAll(text, one.Error(), "no connection string of PostgreSQL")
		}
	}
	return unencodable.ReplaceAllString(text, "unable to encode it")
}

// unencodable is what pgx says of an argument that it can't send, with the argument. It has no end that can be told.
var unencodable = regexp.MustCompile(`(?s)unable to encode .*`)

// describeRefusal says what PostgreSQL refused. Its messages about what people wrote stay out, names of tables and
// constraints do not.
func describeRefusal(refused *pgconn.PgError) string {
	switch class(refused.Code) {
	case "08", "25", "28", "40", "42", "53", "54", "55", "57", "58": // Connections, transactions, names, resources: no values.
		if refused.Code != codeSyntax {
			return refused.Error()
		}
	}
	text := refused.Severity + ": "
	switch class(refused.Code) {
	case classData:
		text += "a value is refused"
	case classConstraint:
		text += "a constraint is violated"
	default:
		text += "refused"
	}
	for _, part := range []struct{ what, name string }{
		{"constraint", refused.ConstraintName}, {"table", refused.TableName}, {"column", refused.ColumnName}, {"type", refused.DataTypeName},
	} {
		if part.name != "" {
			text += fmt.Sprintf(", %s %q", part.what, part.name)
		}
	}
	return text + " (SQLSTATE " + refused.Code + ")"
}

// remedyFor says what to do where that is known.
func remedyFor(step string, err error) string {
	refused, ok := errors.AsType[*pgconn.PgError](err)
	switch {
	case errors.Is(err, pgx.ErrTxCommitRollback):
		return "the handler went on after one of its statements had failed; return that error"
	case !ok:
		return ""
	case refused.Code == codeIdle:
		return "the transaction waited for its handler for longer than it may; wait for others before the handler, " +
			"send by the outbox, or set postgres.IdleTimeout"
	case refused.Code == codeLock && step != "":
		return "another worker has the event in a transaction that has not ended"
	case refused.Code == codeNoTable && step != "":
		return noTables
	}
	return ""
}

const noTables = `the tables of Sluice are missing or older than this program; call postgres.Migrate, or run: sluice postgres schema | psql`

// tree returns the error and all that are within it.
func tree(err error) func(yield func(error) bool) {
	return func(yield func(error) bool) { walk(err, yield) }
}

func walk(err error, yield func(error) bool) bool {
	if err == nil {
		return true
	}
	if !yield(err) {
		return false
	}
	switch within := err.(type) { //nolint:errorlint // The tree is walked here.
	case interface{ Unwrap() error }:
		return walk(within.Unwrap(), yield)
	case interface{ Unwrap() []error }:
		for _, one := range within.Unwrap() {
			if !walk(one, yield) {
				return false
			}
		}
	}
	return true
}
