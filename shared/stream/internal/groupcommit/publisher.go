package groupcommit

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

const (
	// MaxBatch is how many messages go into one batch at most. NATS takes up to 1,000.
	MaxBatch = 500
	// maxBatchBytes bounds the messages of one batch, in bytes: the server holds them until it is complete.
	maxBatchBytes = 8 << 20
	// maxPending and maxPendingBytes bound what callers have under way. Beyond them publishing fails at once:
	// whoever waits behind so many will hardly be served within its deadline.
	maxPending      = 4096
	maxPendingBytes = 64 << 20
)

// ErrBusy says that too many messages are under way.
var ErrBusy = errors.New("too many messages are under way")

// Store is where messages M go and what acknowledges them with A. All of its functions are set and safe for
// concurrent use.
type Store[M, A any] struct {
	// Write makes one attempt at storing one message.
	Write func(context.Context, M) (A, error)
	// WriteBatch makes one attempt at storing all messages or none. The acknowledgements are in their order. After an
	// error the messages may be written again.
	WriteBatch func(context.Context, []M) ([]A, error)
	// Repeat calls write until it succeeds, fails for good, or the context ends. Unknown says that the message may be
	// stored already, by a batch that failed.
	Repeat func(ctx context.Context, write func(context.Context, M) (A, error), message M, unknown bool) (A, error)
	// Ended makes the error of a call whose context has ended. Unknown says that the message may be stored, or may
	// still be.
	Ended func(ctx context.Context, unknown bool) error
	// MayBeStored reports whether a batch with that error may have been stored all the same.
	MayBeStored func(error) bool
	// Size returns how many bytes a message counts for.
	Size func(M) int
}

// Publisher stores the messages of many callers, singly or in batches, whichever is cheaper. It is safe for
// concurrent use.
type Publisher[M, A any] struct {
	store Store[M, A]
	costs *Costs

	mutex   sync.Mutex
	queue   []*entry[M, A] // nobody writes them yet
	singles int            // messages that their callers write by themselves now
	batch   bool           // a batch is under way
	pending int            // messages of all callers, in the queue and under way
	bytes   int            // their size

	probe       probe
	probeUntil  time.Time // when probeMany ends
	lingerUntil time.Time
	lastBatch   int // how many messages the last batch had
}

// New returns a publisher that decides by the costs.
func New[M, A any](store Store[M, A], costs *Costs) *Publisher[M, A] {
	return &Publisher[M, A]{store: store, costs: costs}
}

// entry is one message on its way. Its caller waits for the result.
type entry[M, A any] struct {
	ctx       context.Context //nolint:containedctx // The entry is the call.
	message   M
	size      int
	result    chan result[A] // takes one without blocking
	abandoned bool           // the caller left while a batch was under way
}

// result tells a caller what became of its message: stored in a batch, failed, or to be written by the caller.
type result[A any] struct {
	ack    A
	single bool
	// unknown says that the message may have been stored in a batch that failed.
	unknown bool
	err     error
}

// Publish stores a message and returns its acknowledgement. Errors: ErrBusy, and those of the store's Repeat and
// Ended.
//
// When the call returns, the message is not written any more, with one exception: a batch that was sent goes on for
// the other callers. A caller whose context ends meanwhile gets Ended with unknown set, and the message may be stored
// after that.
func (p *Publisher[M, A]) Publish(ctx context.Context, message M) (ack A, err error) {
	e := &entry[M, A]{ctx: ctx, message: message, size: p.store.Size(message), result: make(chan result[A], 1)}
	if !p.enter(e) {
		return ack, ErrBusy
	}
	defer p.leave(e)
	var r result[A]
	select {
	case r = <-e.result:
	case <-ctx.Done():
		r = p.withdraw(e)
	}
	if !r.single {
		return r.ack, r.err
	}
	ack, err = p.store.Repeat(ctx, p.writeSingle, message, r.unknown)
	p.singleDone()
	return ack, err
}

// enter queues an entry, and reports false where there are too many.
func (p *Publisher[M, A]) enter(e *entry[M, A]) bool {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.pending >= maxPending || p.bytes+e.size > maxPendingBytes && p.pending > 0 {
		return false
	}
	p.pending++
	p.bytes += e.size
	p.queue = append(p.queue, e)
	p.dispatch()
	return true
}

func (p *Publisher[M, A]) leave(e *entry[M, A]) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.pending--
	p.bytes -= e.size
}

// withdraw ends an entry whose caller's context has ended. It returns the result that came in the same moment, else
// the error that says whether the message had been sent.
func (p *Publisher[M, A]) withdraw(e *entry[M, A]) result[A] {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	select {
	case r := <-e.result:
		return r
	default:
	}
	if i := slices.Index(p.queue, e); i >= 0 {
		p.queue = slices.Delete(p.queue, i, i+1)
		return result[A]{err: p.store.Ended(e.ctx, false)}
	}
	e.abandoned = true
	return result[A]{err: p.store.Ended(e.ctx, true)}
}

// writeSingle makes one attempt at one message and measures it.
func (p *Publisher[M, A]) writeSingle(ctx context.Context, message M) (A, error) {
	begin := time.Now()
	ack, err := p.store.Write(ctx, message)
	if err == nil {
		p.costs.Single(begin, time.Now())
	}
	return ack, err
}

func (p *Publisher[M, A]) singleDone() {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.singles--
	p.dispatch()
}
