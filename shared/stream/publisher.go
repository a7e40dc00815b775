package stream

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"
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
	err    error
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
	select {
	case t := <-e.turn:
		if !t.singly {
			return t.ack, t.err
		}
	case <-ctx.Done():
		if t := p.withdraw(e); !t.singly {
			return t.ack, t.err
		}
	}
	ack, err := publishUntil(ctx, p.single, message)
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

// trial is a time in which single writes are measured although batches seem to be cheaper.
type trial int

const (
	noTrial trial = iota
	// ofFew lets 64 messages go singly and nothing else.
	ofFew
	// ofMany lets all go singly for a while. Where nothing is synced that is cheaper than few at a time, since the
	// server is never idle; so it follows when few were not much dearer than a batch.
	ofMany
)

// manyTime is how long a trial of many lasts.
const manyTime = 50 * time.Millisecond

// tried goes on with a trial, and tells whether that is all there is to do.
func (p *publisher) tried() bool {
	switch {
	case p.trial == ofFew && p.singles == 0:
		p.trial = noTrial
		if p.cost.writesMayPay(len(p.queue)) {
			p.trial, p.until = ofMany, time.Now().Add(manyTime)
		}
	case p.trial == ofMany && time.Now().After(p.until):
		p.trial = noTrial
	}
	if p.trial == ofMany {
		p.release(MaxBatch)
	}
	return p.trial != noTrial
}

// gatherTime is how long the next batch waits for as many as half the last one after that has ended. Whoever was
// answered just now is about to come again; going on with the first few of them would cost as much as a batch.
const gatherTime = 2 * time.Millisecond

func (p *publisher) gathering() bool {
	return len(p.queue) < p.size/2 && time.Now().Before(p.until)
}

// gather begins to wait after a batch of a size.
func (p *publisher) gather(size int) {
	p.size, p.until = size, time.Now().Add(gatherTime)
	time.AfterFunc(gatherTime, func() {
		p.mutex.Lock()
		defer p.mutex.Unlock()
		p.dispatch()
	})
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
		p.cost.batch(len(live), time.Since(begin))
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
			e.turn <- turn{singly: true}
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

// publishUntil calls once until it succeeds, fails for good, or the context ends.
func publishUntil(
	ctx context.Context, once func(context.Context, *nats.Msg) (*jetstream.PubAck, error), message *nats.Msg,
) (*jetstream.PubAck, error) {
	unknown := false
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		if ctx.Err() != nil {
			return nil, ended(ctx, context.Cause(ctx), unknown)
		}
		ack, err := once(ctx, message)
		if err == nil {
			return ack, nil
		}
		if !transient(err) {
			return nil, classify(err)
		}
		unknown = unknown || mayBeStored(err)
		select {
		case <-ctx.Done():
			return nil, ended(ctx, err, unknown)
		case <-time.After(pause):
		}
	}
}

// ended is the error of a call whose time is over.
func ended(ctx context.Context, err error, unknown bool) error {
	if unknown {
		return classify(errors.Join(ErrUnknown, context.Cause(ctx), err))
	}
	return classify(errors.Join(ErrUnavailable, context.Cause(ctx), err))
}

// publishOnce publishes a message and waits for its acknowledgement a little.
func (s *Streams) publishOnce(ctx context.Context, message *nats.Msg) (*jetstream.PubAck, error) {
	ack, err := within(ctx, s.link, func(ctx context.Context) (*jetstream.PubAck, error) {
		return s.js.PublishMsg(ctx, message, jetstream.WithRetryAttempts(0))
	})
	if err != nil {
		s.restoreAfter(err) //nolint:contextcheck // It outlives the call that noticed.
	}
	return ack, err
}

// publishBatch stores all messages or none. After an error the messages may be published again.
func (s *Streams) publishBatch(ctx context.Context, messages []*nats.Msg) ([]*jetstream.PubAck, error) {
	if len(messages) < 2 {
		return nil, errTooFew
	}
	ack, err := within(ctx, s.link, func(ctx context.Context) (*jetstreamext.BatchAck, error) {
		return jetstreamext.PublishMsgBatch(ctx, s.js, messages, jetstreamext.BatchFlowControl{AckTimeout: attemptTimeout})
	})
	if err != nil {
		unbatch(messages)
		return nil, err
	}
	acks := make([]*jetstream.PubAck, len(messages))
	for i := range acks {
		// All or none are stored, one behind the other; the acknowledgement has the place of the last.
		acks[i] = &jetstream.PubAck{Stream: ack.Stream, Sequence: ack.Sequence - uint64(len(messages)-1-i)} //nolint:gosec // Not negative.
	}
	return acks, nil
}

var errTooFew = errors.New("one message is no batch")

// unbatch takes off the headers that would make the server wait for the rest of a batch.
func unbatch(messages []*nats.Msg) {
	for _, message := range messages {
		delete(message.Header, jetstreamext.BatchIDHeader)
		delete(message.Header, jetstreamext.BatchSeqHeader)
		delete(message.Header, jetstreamext.BatchCommitHeader)
		message.Reply = ""
	}
}
