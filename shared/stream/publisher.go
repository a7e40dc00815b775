package stream

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	// maxBatchBytes bounds the bodies of one batch, which the server holds until it is complete.
	maxBatchBytes = 8 << 20
	// maxPending and maxPendingBytes bound what callers have under way. Beyond them publishing fails at once:
	// whoever waits behind so many will hardly be served within its deadline.
	maxPending      = 4096
	maxPendingBytes = 64 << 20
)

// publisher stores messages for many callers at once. Where every write is synced, a batch shares one sync among
// its messages but costs several times a single write; so few messages go singly and many in batches, divided by
// what both were measured to cost. It runs no goroutine of its own while nothing is under way.
type publisher struct {
	one  func(context.Context, *nats.Msg) (*jetstream.PubAck, error)
	many func(context.Context, []*nats.Msg) ([]*jetstream.PubAck, error)
	cost *costs

	mutex   sync.Mutex
	queue   []*entry
	singles int  // messages that their callers publish singly
	batch   bool // a batch is under way
	trial   trial
	until   time.Time // when the trial of many ends, or until when to wait for more after a batch
	size    int       // of the last batch
	pending int       // entries, queued and under way
	bytes   int
}

// entry is one message on its way. Its caller waits for turn.
type entry struct {
	ctx       context.Context //nolint:containedctx // The entry is the call.
	message   *nats.Msg
	turn      chan turn
	abandoned bool // the caller has gone while a batch was under way
}

// turn tells a caller what became of its message: stored in a batch, or to be published singly by the caller.
type turn struct {
	ack    *jetstream.PubAck
	singly bool
	// unknown says that the message may have been stored in a batch that failed.
	unknown bool
	err     error
}

func newPublisher(s *Streams, replicas int) *publisher {
	return &publisher{one: s.publishOnce, many: s.publishBatch, cost: newCosts(replicas)}
}

// publish stores a message and returns its acknowledgement. It tries again, always with the same message id,
// until the context ends. Errors: ErrBusy, ErrFull, ErrUnavailable, ErrUnknown, ErrTooLarge. A message whose call
// has returned is not published any more.
func (p *publisher) publish(ctx context.Context, message *nats.Msg) (*jetstream.PubAck, error) {
	e := &entry{ctx: ctx, message: message, turn: make(chan turn, 1)}
	if !p.enter(e) { //nolint:contextcheck // A batch belongs to many callers and ends with none of them.
		return nil, ErrBusy
	}
	defer p.leave(e)
	var t turn
	select {
	case t = <-e.turn:
	case <-ctx.Done():
		t = p.withdraw(e)
	}
	if !t.singly {
		return t.ack, t.err
	}
	ack, err := publishUntil(ctx, p.single, message, t.unknown)
	p.singleDone() //nolint:contextcheck // As above.
	return ack, err
}

// enter queues an entry, unless there are too many.
func (p *publisher) enter(e *entry) bool {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.pending >= maxPending || p.bytes+len(e.message.Data) > maxPendingBytes && p.pending > 0 {
		return false
	}
	p.pending++
	p.bytes += len(e.message.Data)
	p.queue = append(p.queue, e)
	p.dispatch()
	return true
}

func (p *publisher) leave(e *entry) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.pending--
	p.bytes -= len(e.message.Data)
}

// withdraw ends an entry whose caller's time is over. It returns the turn that came in the same moment, else the
// error that tells whether the message had been sent.
func (p *publisher) withdraw(e *entry) turn {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	select {
	case t := <-e.turn:
		return t
	default:
	}
	if i := slices.Index(p.queue, e); i >= 0 {
		p.queue = slices.Delete(p.queue, i, i+1)
		return turn{err: ended(e.ctx, context.Cause(e.ctx), false)}
	}
	e.abandoned = true
	return turn{err: ended(e.ctx, context.Cause(e.ctx), true)}
}

// dispatch lets go of as much of the queue as should be under way now. The mutex must be held.
//
// While a batch is under way everything waits: the next batch is the larger for it, and single writes in between
// would each take a sync of their own. So a lone message waits for one batch at the most.
func (p *publisher) dispatch() {
	if p.tried() || p.batch || len(p.queue) == 0 || p.gathering() {
		return
	}
	worth := p.cost.batchFrom()
	switch {
	case len(p.queue) < worth:
		p.release(worth - p.singles)
	case p.singles == 0 && p.cost.tryWrites():
		p.trial = ofFew
		p.release(writesToLearn)
	default:
		p.batch = true
		p.cost.disturbed()
		go p.runBatch(p.take(), p.singles == 0)
	}
}

// release lets as many callers at most publish their messages singly.
func (p *publisher) release(count int) {
	for ; len(p.queue) > 0 && count > 0; count-- {
		e := p.queue[0]
		p.queue = p.queue[1:]
		p.singles++
		e.turn <- turn{singly: true}
	}
}

// take removes a batch from the queue.
func (p *publisher) take() []*entry {
	count, size := 0, 0
	for count < len(p.queue) && count < MaxBatch && (count < 2 || size+len(p.queue[count].message.Data) <= maxBatchBytes) {
		size += len(p.queue[count].message.Data)
		count++
	}
	taken := p.queue[:count:count]
	p.queue = append([]*entry(nil), p.queue[count:]...)
	return taken
}

// single publishes one message once.
func (p *publisher) single(ctx context.Context, message *nats.Msg) (*jetstream.PubAck, error) {
	begin := time.Now()
	ack, err := p.one(ctx, message)
	if err == nil {
		p.cost.single(begin, time.Now())
	}
	return ack, err
}

func (p *publisher) singleDone() {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.singles--
	p.dispatch()
}

// runBatch stores the entries in one batch. Whatever makes it fail, each caller then publishes its message by
// itself with the same id, which tells what became of it.
func (p *publisher) runBatch(entries []*entry, alone bool) {
	live := p.expire(entries)
	messages := make([]*nats.Msg, len(live))
	for i, e := range live {
		messages[i] = e.message
	}
	begin := time.Now()
	acks, err := p.many(context.Background(), messages)
	if err == nil && alone {
		p.cost.batch(len(live), begin, time.Now())
	}
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.batch = false
	if err == nil {
		p.gather(len(live))
	}
	for i, e := range live {
		switch {
		case err == nil:
			e.turn <- turn{ack: acks[i]}
		case !e.abandoned:
			p.singles++
			e.turn <- turn{singly: true, unknown: mayBeStored(err)}
		}
	}
	p.dispatch()
}

// expire answers the entries whose callers' time is over and returns the others.
func (p *publisher) expire(entries []*entry) []*entry {
	live := entries[:0]
	for _, e := range entries {
		if e.ctx.Err() != nil {
			e.turn <- turn{err: ended(e.ctx, context.Cause(e.ctx), false)}
			continue
		}
		live = append(live, e)
	}
	return live
}
