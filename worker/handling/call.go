package handling

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/consume"
	"sluice.internal/worker/handler"
	"sluice.internal/worker/keyed"
)

// Handlers finds the handler of an event and calls it; handler.Registry does.
type Handlers interface {
	// Handle returns whether there is a handler, and the error of its call. The context ends when its time is over.
	Handle(ctx context.Context, event notification.Event, tools handler.Tools) (handled bool, err error)
	// Timeout returns how long one call may take for events of a type, 0 for as long as is configured.
	Timeout(provider, kind string) time.Duration
	// Types are those that have a handler.
	Types() []string
}

const (
	// heedTime is how long a handler has to return after its time is over. After that it does not heed its context, and
	// another event is handled in its place.
	heedTime = 5 * time.Second
	// maxHeedless is how many handlers may run that do not heed their context. Each holds memory that only the end of the
	// process frees.
	maxHeedless = 64
)

// ErrHeedless ends a worker.
var ErrHeedless = fmt.Errorf("%d handlers run on although their time is over: the worker ends, since only that ends them; "+
	"make these handlers return when their context ends", maxHeedless)

// calls are the handlers that run. It is safe for concurrent use.
type calls struct {
	log *slog.Logger
	// end ends the worker.
	end func(cause error)

	mutex    sync.Mutex
	running  map[*call]struct{}
	heedless int
}

// call is one handler that runs.
type call struct {
	event    *notification.Event
	began    time.Time
	heedless bool // it was told to end and has not
}

func newCalls(log *slog.Logger) *calls {
	return &calls{log: log, running: map[*call]struct{}{}, end: func(error) {}}
}

func (c *calls) begin(event *notification.Event) *call {
	one := &call{event: event, began: time.Now()}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.running[one] = struct{}{}
	return one
}

// ended notes that a handler has returned.
func (c *calls) ended(one *call) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	delete(c.running, one)
	if one.heedless {
		c.heedless--
	}
}

// ignores notes that a handler does not heed its context.
func (c *calls) ignores(one *call, timeout time.Duration) {
	c.mutex.Lock()
	_, running := c.running[one]
	if running {
		one.heedless = true
		c.heedless++
	}
	tooMany := c.heedless >= maxHeedless
	c.mutex.Unlock()
	if !running {
		return
	}
	c.log.Error("handler runs on although its time is over; its chat waits for it", "type", one.event.Type,
		"provider", one.event.Provider, "instance", one.event.Instance, "key", one.event.Key, "handler_timeout", timeout, "since", one.began)
	if tooMany {
		c.end(ErrHeedless)
	}
}

// told returns the handler that has run for the longest time, and those that do not heed their context.
func (c *calls) told() (slowest *stream.RunningHandler, heedless []stream.RunningHandler) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	for one := range c.running {
		if slowest == nil || one.began.Before(slowest.Since) {
			about := one.about()
			slowest = &about
		}
		if one.heedless {
			heedless = append(heedless, one.about())
		}
	}
	slices.SortFunc(heedless, func(a, b stream.RunningHandler) int { return a.Since.Compare(b.Since) })
	return slowest, heedless[:min(len(heedless), stream.MaxHeedlessTold)]
}

func (c *call) about() stream.RunningHandler {
	return stream.RunningHandler{Type: stream.Label(c.event.Type), Instance: stream.Label(c.event.Instance), Key: c.event.Key, Since: c.began.UTC()}
}

// callHandler calls the event's handler. When its time is over its context ends, and the try has failed unless it succeeds
// all the same. A panic is an error as any other.
func (r *Runner) callHandler(ctx context.Context, d *consume.Delivery, turn *keyed.Turn) (handled bool, err error) {
	timeout := cmp.Or(r.Handlers.Timeout(d.Provider, d.Type), r.Config.HandlerTimeout)
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	one := r.calls.begin(&d.Event)
	defer r.calls.ended(one)
	watch := time.AfterFunc(timeout+heedTime, func() {
		turn.Detach()
		r.calls.ignores(one, timeout)
	})
	defer watch.Stop()
	defer func() {
		if cause := recover(); cause != nil {
			handled, err = true, r.panicked(d, cause)
		}
	}()
	handled, err = r.Handlers.Handle(ctx, d.Event, handler.Tools{
		Log: r.Log, Group: r.Config.Group, Alert: r.Alerts.Publish, Reply: r.Reply,
	})
	if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		err = fmt.Errorf("handler has not ended within %s (worker.handler_timeout): %w", timeout, err)
	}
	return handled, err
}

// panicked logs where a handler panicked. The error holds the text of the cause alone: what was thrown says nothing about
// whether another try helps.
func (r *Runner) panicked(d *consume.Delivery, cause any) error {
	err := errors.New("handler panicked: " + fmt.Sprint(cause))
	r.Log.Error("handler panicked", r.failureAttributes(d, err, "stack", string(debug.Stack()))...)
	return err
}
