package postgres

import (
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	// DefaultIdleTimeout is how long a transaction may wait for its handler. It is less than the 8 s after which an event is
	// handed to another worker, so that the transaction of a frozen one is gone by then.
	DefaultIdleTimeout = 5 * time.Second
	// DefaultLockTimeout is how long a statement waits for a lock. It is more than DefaultIdleTimeout, so that who waits for
	// the transaction of a frozen worker sees its end.
	DefaultLockTimeout = 6 * time.Second
)

// Option is what a handler chooses about its transactions.
type Option func(*settings)

// settings are the choices of one handler.
type settings struct {
	idle, lock  time.Duration
	isolation   pgx.TxIsoLevel
	permanent   map[string]bool // classes of SQLSTATE
	showMessage bool
}

func newSettings(options []Option) settings {
	s := settings{idle: DefaultIdleTimeout, lock: DefaultLockTimeout, isolation: pgx.ReadCommitted, permanent: map[string]bool{}}
	for _, set := range options {
		set(&s)
	}
	return s
}

// IdleTimeout is how long the transaction may wait for the handler between two statements, such as for a request to somebody
// else, in place of DefaultIdleTimeout. Then PostgreSQL ends it, and the try has failed. For so long a frozen worker may keep
// others from the event. It panics below a millisecond, since 0 would be no bound.
func IdleTimeout(timeout time.Duration) Option {
	checkTimeout("idle", timeout)
	return func(s *settings) { s.idle = timeout }
}

// LockTimeout is how long a statement waits for a lock, in place of DefaultLockTimeout. Then the try has failed. It panics
// below a millisecond, since 0 would be no bound.
func LockTimeout(timeout time.Duration) Option {
	checkTimeout("lock", timeout)
	return func(s *settings) { s.lock = timeout }
}

func checkTimeout(name string, timeout time.Duration) {
	if timeout < time.Millisecond {
		panic(fmt.Sprintf("the %s timeout of a transaction is %s, want 1ms at least", name, timeout))
	}
}

// Isolation is the level of the transactions, read committed by default. Above that PostgreSQL refuses what it can't
// serialize, and the try has failed.
func Isolation(level pgx.TxIsoLevel) Option { return func(s *settings) { s.isolation = level } }

// PermanentConstraints makes violations of constraints (class 23 of SQLSTATE) permanent errors: a row that is there already,
// a reference to none, a check that fails. Without it they are tries, since the row that is missing may come later.
func PermanentConstraints() Option { return func(s *settings) { s.permanent[classConstraint] = true } }

// PermanentData makes what PostgreSQL refuses about a value (class 22 of SQLSTATE) permanent errors: a text that is too long,
// a number out of range. Without it they are tries.
func PermanentData() Option { return func(s *settings) { s.permanent[classData] = true } }

// ShowMessages leaves PostgreSQL's own messages in errors, also where they may repeat a value. Errors are in the log and in
// dead letters.
func ShowMessages() Option { return func(s *settings) { s.showMessage = true } }

// begin returns the statements that begin a transaction, in one request.
func (s settings) begin() string {
	return fmt.Sprintf("begin isolation level %s; set local idle_in_transaction_session_timeout = %d; set local lock_timeout = %d",
		s.isolation, s.idle.Milliseconds(), s.lock.Milliseconds())
}
