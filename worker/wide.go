package worker

import (
	"context"
	"sync"

	"sluice.internal/shared/stream"
)

// dueShare is which part of a worker's handlers what is due may take, so that it does not crowd out what is new.
const dueShare = 4

// serveWide hands any event of a queue to whoever is free.
func (w *Worker) serveWide(ctx, finishing context.Context, queue *stream.Queue, report func(error)) (stop func()) {
	count := w.settings.Concurrency
	if queue.Due() {
		count = max(count/dueShare, 1)
	}
	free := make(chan struct{}, count)
	for range count {
		free <- struct{}{}
	}
	var under sync.WaitGroup
	under.Go(func() {
		for ctx.Err() == nil {
			w.fetchWide(ctx, finishing, queue, free, &under, report)
		}
	})
	return under.Wait
}

// fetchWide asks for as many events as there are free handlers, at least one, and gives them out.
func (w *Worker) fetchWide(
	ctx, finishing context.Context, queue *stream.Queue, free chan struct{}, under *sync.WaitGroup, report func(error),
) {
	taken := takeFree(ctx, free)
	if taken == 0 {
		return
	}
	fetched, err := queue.Fetch(ctx, taken, func(d *stream.Delivery) {
		under.Go(func() {
			defer func() { free <- struct{}{} }()
			w.handle(ctx, finishing, d)
		})
	})
	for range taken - fetched {
		free <- struct{}{}
	}
	if err != nil {
		report(err)
		pause(ctx, reopenPause)
	}
}

// takeFree waits for a free handler and takes all there are. It returns 0 when the context ended first.
func takeFree(ctx context.Context, free chan struct{}) (taken int) {
	select {
	case <-ctx.Done():
		return 0
	case <-free:
		taken = 1
	}
	for {
		select {
		case <-free:
			taken++
		default:
			return taken
		}
	}
}
