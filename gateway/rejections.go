package gateway

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"golang.org/x/time/rate"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/source"
)

const (
	// rejectionRate and rejectionBurst are how many rejections a second are kept for long, and at once. The
	// burst is also how many may be in memory, which makes it some 100 MiB at the worst.
	rejectionRate  = 20
	rejectionBurst = 100
	// rejectionBody is how many bytes of a refused body are kept.
	rejectionBody = 256 << 10
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
	queue     chan filed
	// strangers and senders have a budget each: whoever floods a public path with wrong tokens must not hide
	// that a known sender's body was too large.
	strangers, senders budget
}

// filed is a rejection on its way to the store.
type filed struct {
	rejection *notification.Rejection
	paid      budget
	// diagnose finds out the cause and tell says it; nil where it is known and said.
	diagnose func() *source.Refusal
	tell     func(cause, detail string)
}

// budget bounds how many rejections are kept in a second and how many are in memory.
type budget struct {
	limit *rate.Limiter
	slots chan struct{}
}

func newBudget() budget {
	return budget{rate.NewLimiter(rejectionRate, rejectionBurst), make(chan struct{}, rejectionBurst)}
}

func (b budget) take() bool {
	select {
	case b.slots <- struct{}{}:
	default:
		return false
	}
	if !b.limit.Allow() {
		b.giveBack()
		return false
	}
	return true
}

func (b budget) giveBack() { <-b.slots }

func newRejections(store Store, log *slog.Logger, summaries *summaries, secrets secrets) *rejections {
	return &rejections{
		store: store, log: log, summaries: summaries, secrets: secrets,
		strangers: newBudget(), senders: newBudget(),
		queue: make(chan filed, 2*rejectionBurst),
	}
}

// keep files a refused request and tells whether it did. Only what the budget pays for is read. Where there is something
// to find out, that is done later, and told then.
func (r *rejections) keep(
	v *visit, cause, detail string, diagnose func() *source.Refusal, tell func(cause, detail string),
) bool {
	paid := r.strangers
	if v.admitted {
		paid = r.senders
	}
	if !paid.take() {
		r.lose("there were too many", nil)
		return false
	}
	v.readBeginning(rejectionBody)
	r.queue <- filed{r.rejection(v, cause, detail), paid, diagnose, tell} // It has room for all that budgets pay for.
	return true
}

// conclude finds out what was wrong with a request and tells it.
func (r *rejections) conclude(next filed) {
	if next.diagnose == nil {
		return
	}
	defer func() {
		if value := recover(); value != nil {
			r.log.Error("panic in a diagnosis", "panic", r.secrets.hide(shorten(fmt.Sprint(value))), "stack", string(debug.Stack()))
		}
	}()
	found := next.diagnose()
	next.rejection.Cause, next.rejection.Detail = found.Cause, r.secrets.hide(found.Detail)
	next.tell(next.rejection.Cause, next.rejection.Detail)
}

func (r *rejections) rejection(v *visit, cause, detail string) *notification.Rejection {
	body := bytes.Clone(v.read[:min(len(v.read), rejectionBody)]) // A clone lets go of the rest.
	return &notification.Rejection{
		Cause: cause, Detail: r.secrets.hide(detail), Source: v.source(),
		Method: v.request.Method, Path: r.secrets.hide(v.shownPath()),
		Header:        redact(v.request, r.secrets),
		RemoteAddress: v.remote(), RequestID: v.id,
		ContentType: r.secrets.hide(v.request.Header.Get("Content-Type")),
		ReceivedAt:  time.Now().UTC(),
		Body:        body, Truncated: v.incomplete || len(v.read) > rejectionBody,
	}
}

// run writes rejections until it is stopped, and then those that are left, until the context ends.
func (r *rejections) run(ctx context.Context, stopped <-chan struct{}) {
	for {
		select {
		case next := <-r.queue:
			r.write(ctx, next)
		case <-stopped:
			r.writeRest(ctx)
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
	defer next.paid.giveBack()
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
