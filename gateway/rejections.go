package gateway

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
	"golang.org/x/time/rate"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/source"
)

const (
	// rejectionRate and rejectionBurst are how many rejections of a source are kept in a second for long, and at once.
	// The burst is also how many of all sources may be in memory.
	rejectionRate  = 20
	rejectionBurst = 100
	// rejectionRoom is how much memory their bodies may take, in bytes, and leastBody how much of one is kept when there
	// is none left. incompleteBody is how much is kept of a body that is not there as a whole.
	rejectionRoom  = 32 << 20
	leastBody      = 8 << 10
	incompleteBody = 256 << 10
	// rejectionPatience is how long writing one may take, and how long writing the last ones may.
	rejectionPatience = 5 * time.Second
)

// rejections keeps refused requests for the operator. One goroutine writes them, at a bounded rate, so that a
// flood neither fills the store nor gets in the way of those who may send; what is over is counted.
type rejections struct {
	store     Store
	log       *slog.Logger
	summaries *summaries
	secrets   secrets
	known     *senders
	queue     chan filed
	// strangers and senders have room each: whoever floods a public path with wrong tokens must not hide that a known
	// sender's body was too large, or that a sender's secret is suddenly wrong.
	strangers, senders waiting
	bodyLimit          int64
	skipped            skipped
}

// filed is a rejection on its way to the store.
type filed struct {
	rejection *notification.Rejection
	// leave gives back the room that it takes.
	leave func()
	// diagnose finds out the cause and tell says it; nil where it is known and said.
	diagnose func() *source.Refusal
	tell     func(cause, detail string)
	// seal makes what can be kept of its secrets.
	seal func() map[string]string
}

// waiting bounds how many rejections are in memory, and how large.
type waiting struct {
	slots chan struct{}
	room  *semaphore.Weighted
}

func newWaiting(bodyLimit int64) waiting {
	return waiting{make(chan struct{}, rejectionBurst), semaphore.NewWeighted(max(rejectionRoom, bodyLimit))}
}

func newLimit() *rate.Limiter { return rate.NewLimiter(rejectionRate, rejectionBurst) }

func (w waiting) enter(limit *rate.Limiter) bool {
	select {
	case w.slots <- struct{}{}:
	default:
		return false
	}
	if !limit.Allow() {
		<-w.slots
		return false
	}
	return true
}

func newRejections(store Store, log *slog.Logger, summaries *summaries, secrets secrets, bodyLimit int64) *rejections {
	return &rejections{
		store: store, log: log, summaries: summaries, secrets: secrets, known: newSenders(), bodyLimit: bodyLimit,
		strangers: newWaiting(bodyLimit), senders: newWaiting(bodyLimit),
		queue: make(chan filed, 2*rejectionBurst),
	}
}

// keep files a refused request and tells whether it did. Only what there is room for is read. Where there is something
// to find out, that is done later, and told then.
func (r *rejections) keep(
	v *visit, cause, detail string, diagnose func() *source.Refusal, tell func(cause, detail string),
) bool {
	into, limit := r.strangers, v.from.strangers
	if v.admitted || r.known.knows(v) {
		into, limit = r.senders, v.from.senders
	}
	if !into.enter(limit) {
		r.skip(cause, v.source())
		return false
	}
	body, whole, giveBack := into.body(v, r.bodyLimit)
	leave := func() {
		giveBack()
		<-into.slots
	}
	rejection := r.rejection(v, cause, detail)
	rejection.Body, rejection.Truncated = body, !whole
	r.queue <- filed{rejection, leave, diagnose, tell, v.seal()} // It has room for all that have a slot.
	return true
}

// body returns as much of the visit's body as there is room for, and reads it where nobody has. The whole body makes it
// possible to accept the request later.
func (w waiting) body(v *visit, limit int64) (body []byte, whole bool, giveBack func()) {
	want := v.keepable(limit)
	taken := want
	if !w.room.TryAcquire(want) {
		taken, want = 0, min(want, leastBody)
	}
	v.readBeginning(want)
	body, whole = v.read, !v.incomplete && int64(len(v.read)) <= want
	if int64(len(body)) > want {
		body = bytes.Clone(body[:want]) // A clone lets go of the rest.
	}
	if used := int64(len(body)); used < taken {
		w.room.Release(taken - used)
		taken = used
	}
	return body, whole, func() { w.room.Release(taken) }
}

func (r *rejections) rejection(v *visit, cause, detail string) *notification.Rejection {
	return &notification.Rejection{
		Cause: cause, Detail: r.secrets.hide(detail), Source: v.source(),
		Method: v.request.Method, Path: r.secrets.hide(v.shownPath()),
		Header:        redact(v.request, r.secrets, v.from),
		RemoteAddress: v.remote(), RequestID: v.id,
		ContentType: r.secrets.hide(v.request.Header.Get("Content-Type")),
		ReceivedAt:  v.at,
	}
}

// conclude finds out what was wrong with a request, tells it, and makes what can be kept of its secrets.
func (r *rejections) conclude(next filed) {
	defer func() {
		if value := recover(); value != nil {
			r.log.Error("panic in a diagnosis", "panic", r.secrets.hide(shorten(fmt.Sprint(value))), "stack", string(debug.Stack()))
		}
	}()
	if next.diagnose != nil {
		found := next.diagnose()
		next.rejection.Cause, next.rejection.Detail = found.Cause, r.secrets.hide(found.Detail)
		next.tell(next.rejection.Cause, next.rejection.Detail)
	}
	next.rejection.Sealed = next.seal()
}

// run writes rejections until it is stopped, and then those that are left, until the context ends.
func (r *rejections) run(ctx context.Context, stopped <-chan struct{}) {
	ticker := time.NewTicker(summaryInterval)
	defer ticker.Stop()
	for {
		select {
		case next := <-r.queue:
			r.write(ctx, next)
		case <-ticker.C:
			r.writeSkipped(ctx)
		case <-stopped:
			r.writeRest(ctx)
			r.writeSkipped(ctx)
			return
		}
	}
}

func (r *rejections) writeRest(ctx context.Context) {
	for {
		select {
		case next := <-r.queue:
			r.write(ctx, next)
		default:
			return
		}
	}
}

func (r *rejections) write(ctx context.Context, next filed) {
	defer next.leave()
	r.conclude(next)
	if err := r.publish(ctx, next.rejection); err != nil {
		r.lose("the store did not take them", err)
	}
}

func (r *rejections) publish(ctx context.Context, rejection *notification.Rejection) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = fmt.Errorf("panic: %v", value)
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, rejectionPatience)
	defer cancel()
	return r.store.PublishRejection(ctx, rejection)
}

func (r *rejections) lose(why string, err error) {
	attributes := []any{"why", why}
	if err != nil {
		attributes = append(attributes, "error", r.secrets.hide(err.Error()))
	}
	r.summaries.warn("rejection lost: "+why, "rejections are not kept", attributes...)
}

// skipped counts what was refused and not kept.
type skipped struct {
	mutex  sync.Mutex
	counts map[kind]uint64
}

// kind is a cause of a source. There are few.
type kind struct{ cause, source string }

// skip counts a refused request instead of keeping it.
func (r *rejections) skip(cause, source string) {
	r.lose("there were too many", nil)
	r.skipped.mutex.Lock()
	defer r.skipped.mutex.Unlock()
	if r.skipped.counts == nil {
		r.skipped.counts = map[kind]uint64{}
	}
	r.skipped.counts[kind{cause, source}]++
}

// writeSkipped stores a rejection for all that were counted, one for each kind.
func (r *rejections) writeSkipped(ctx context.Context) {
	r.skipped.mutex.Lock()
	counts := r.skipped.counts
	r.skipped.counts = nil
	r.skipped.mutex.Unlock()
	for kind, count := range counts {
		summary := &notification.Rejection{
			Cause: kind.cause, Source: kind.source, Skipped: count, ReceivedAt: time.Now().UTC(),
			Detail: fmt.Sprintf("%d more were refused since the last one of these lines and not kept, because there were too many", count),
		}
		if err := r.publish(ctx, summary); err != nil {
			r.lose("the store did not take them", err)
		}
	}
}
