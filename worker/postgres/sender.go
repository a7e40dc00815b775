package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"sluice.internal/worker"
	"sluice.internal/worker/handler"
)

const (
	// settleTime is the default of Settle: as long as GREEN-API's journal may take to have a message, and half a minute.
	settleTime = 150 * time.Second
	// claimTimeout is how long one look for messages may take.
	claimTimeout = 5 * time.Second
	// recordPause is how long it is from one try to record to the next.
	recordPause = 250 * time.Millisecond
	// firstDelay and longestDelay are between two attempts: the first, and twice as long each time.
	firstDelay   = time.Second
	longestDelay = 10 * time.Minute
	// maxErrorText is how much of an error is kept with a message, in bytes.
	maxErrorText = 1000
)

// Send sends one message of the outbox. The returned error is the verdict, as a handler's: nil means sent, [handler.Permanent]
// gives the message up, [handler.RetryAfter] and any other error mean another attempt. It is called at most once at a time for
// each chat. The error is stored and logged, so it must repeat neither a secret nor what people wrote. One with a method
// Unsure() bool that returns true, also inside of others, leaves open whether the message was sent: the next attempt has
// [Message.Unsure] set.
type Send func(ctx context.Context, message Message) error

// SenderOptions are how messages are sent. Zero values are the defaults.
type SenderOptions struct {
	// Concurrency is how many are sent at a time, 8 by default.
	Concurrency int
	// Timeout bounds each attempt, 30 s by default.
	Timeout time.Duration
	// Settle is how long a message of which nobody recorded what became of it is left alone after the time of its attempt,
	// 150 s by default. It has to be longer than whoever is asked whether it was sent takes to know; GREEN-API's journal takes
	// up to 2 minutes. For so long PostgreSQL may be away without anything being sent twice.
	Settle time.Duration
	// MaxAttempts is after how many attempts a message is given up; 16 by default, which are about an hour and a quarter.
	MaxAttempts int
	// Poll is how long it is from one look for messages to the next while there are none, half a second by default.
	Poll time.Duration
	// Log takes what is given up. Nil discards it.
	Log *slog.Logger
}

// Sender sends what handlers have written into the outbox, in the order of each chat, at least once. Any number of senders may
// work at once, in any number of processes. A sender that dies leaves its messages to the others: they are sent again when the
// time of the attempt and Settle are over, with [Message.Unsure] set. It is the only way by which one can be sent twice, but
// for attempts whose time ran out and for a PostgreSQL that is away for longer than Settle.
//
// While a message is tried again, the later ones of its chat wait. One that was given up stays in sluice_outbox for 30 days,
// with its error, and its chat goes on.
type Sender struct {
	db      Executor
	send    Send
	options SenderOptions
}

// NewSender makes a sender. Run has to be called, or Start.
func NewSender(db Executor, send Send, options SenderOptions) *Sender {
	options.Concurrency = cmp.Or(options.Concurrency, 8)
	options.Timeout = cmp.Or(options.Timeout, 30*time.Second)
	options.Settle = cmp.Or(options.Settle, settleTime)
	options.MaxAttempts = cmp.Or(options.MaxAttempts, 16)
	options.Poll = cmp.Or(options.Poll, 500*time.Millisecond)
	options.Log = cmp.Or(options.Log, slog.New(slog.DiscardHandler))
	return &Sender{db: db, send: send, options: options}
}

// Start runs the sender until the program ends. It has to be called after Open, so that it is stopped before the pool is
// closed.
func (s *Sender) Start(ctx context.Context, env *worker.Env) {
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	var group sync.WaitGroup
	group.Go(func() { s.Run(running) })
	env.OnStop(func() {
		stop()
		group.Wait() // An attempt that is under way ends with its own time; the program's end waits for all of it for its own.
	})
}

// Run sends until the context ends, and returns when the attempts that are under way have ended.
func (s *Sender) Run(ctx context.Context) {
	slots := make(chan struct{}, s.options.Concurrency)
	var sending sync.WaitGroup
	defer sending.Wait()
	for failing := false; ; {
		count := s.acquire(ctx, slots)
		if ctx.Err() != nil {
			return
		}
		began := time.Now()
		messages, err := s.claim(ctx, count)
		if err != nil && !failing {
			s.options.Log.Warn("outbox can't be read, it is tried again", "error", newSettings(nil).describe(err))
		}
		failing = err != nil
		for range count - len(messages) {
			<-slots
		}
		for _, message := range messages {
			sending.Go(func() {
				defer func() { <-slots }()
				s.attempt(ctx, message, began)
			})
		}
		if len(messages) < count {
			pause(ctx, s.options.Poll)
		}
	}
}

// claim takes messages. The end of the program does not interrupt it: what PostgreSQL has given out then would wait for nobody.
func (s *Sender) claim(ctx context.Context, count int) ([]Message, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), claimTimeout)
	defer cancel()
	return claim(ctx, s.db, count, s.options.Timeout+s.options.Settle)
}

// acquire waits for a slot, and takes those that are free beside it.
func (s *Sender) acquire(ctx context.Context, slots chan struct{}) (count int) {
	select {
	case slots <- struct{}{}:
		count++
	case <-ctx.Done():
		return 0
	}
	for {
		select {
		case slots <- struct{}{}:
			count++
		default:
			return count
		}
	}
}

// attempt sends a message and records what became of it. Its time counts from before it was claimed, so that a process that
// froze in between begins nothing that another one may have begun meanwhile. The end of the program does not interrupt it.
func (s *Sender) attempt(ctx context.Context, message Message, began time.Time) {
	ctx = context.WithoutCancel(ctx)
	sending, cancel := context.WithDeadline(ctx, began.Add(s.options.Timeout))
	defer cancel()
	err, timedOut := sending.Err(), false
	if err == nil {
		err = s.call(sending, message)
		timedOut = sending.Err() != nil
	}
	recording, cancel := context.WithDeadline(ctx, began.Add(s.options.Timeout+s.options.Settle))
	defer cancel()
	statement, arguments := s.record(message, err, timedOut)
	for {
		_, failed := s.db.Exec(recording, statement, arguments...)
		if failed == nil {
			return
		}
		if !pause(recording, recordPause) {
			s.options.Log.Error("what became of a message is not recorded, it is tried again as unsure", "message", message.ID, "kind", message.Kind,
				"key", message.Key, "error", newSettings(nil).describe(failed))
			return
		}
	}
}

// call sends, and makes an error of a panic.
func (s *Sender) call(ctx context.Context, message Message) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = errors.New("send panicked: " + fmt.Sprint(cause))
		}
	}()
	return s.send(ctx, message)
}

// record returns the statement that records what became of an attempt. After one whose time ran out it is open whether the
// message was sent.
func (s *Sender) record(message Message, err error, timedOut bool) (statement string, arguments []any) {
	if err == nil {
		return markSent, []any{message.ID}
	}
	unsure := timedOut || message.Unsure || saysUnsure(err)
	reason := text(err.Error())
	reason = text(reason[:min(len(reason), maxErrorText)]) // A rune that was cut is replaced.
	if errors.Is(err, handler.ErrPermanent) || message.Attempt >= s.options.MaxAttempts {
		s.options.Log.Error("message is given up, the customer does not get it", "message", message.ID, "kind", message.Kind,
			"key", message.Key, "attempts", message.Attempt, "error", reason)
		return markGivenUp, []any{message.ID, message.Attempt, unsure, reason}
	}
	delay := min(firstDelay<<min(message.Attempt-1, 16), longestDelay)
	if asked, ok := handler.RetryDelay(err); ok {
		delay = max(asked, 0)
	}
	return markFailed, []any{message.ID, message.Attempt, delay.Seconds(), unsure, reason}
}

// saysUnsure reports whether an error leaves open whether the message was sent.
func saysUnsure(err error) bool {
	unsure, ok := errors.AsType[interface {
		error
		Unsure() bool
	}](err)
	return ok && unsure.Unsure()
}
