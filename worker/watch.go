package worker

import (
	"context"
	"sync/atomic"
	"time"
)

const (
	watchTick = 500 * time.Millisecond
	// frozenAfter is how long nothing may have ticked. A worker that was stopped for longer may have lost events
	// to others that are still in its buffers.
	frozenAfter = 3 * time.Second
	// doubtTime is how long after a freeze each event is checked: far longer than it takes to empty the buffers.
	doubtTime = 30 * time.Second
)

// watch notices that the process did not run for a while, as when it was stopped or its machine was suspended.
type watch struct {
	last  atomic.Int64 // when it last ticked, in nanoseconds since 1970; 0 before the first time
	doubt atomic.Int64 // until when events are in doubt
}

// run ticks until the context ends.
func (w *watch) run(ctx context.Context) {
	ticker := time.NewTicker(watchTick)
	defer ticker.Stop()
	for {
		w.frozen()
		w.last.Store(time.Now().UnixNano())
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// frozen tells whether the process has just been frozen. It notices that before the next tick.
func (w *watch) frozen() bool {
	now := time.Now().UnixNano()
	if last := w.last.Load(); last != 0 && now-last > int64(frozenAfter) {
		w.doubt.Store(now + int64(doubtTime))
	}
	return now < w.doubt.Load()
}
