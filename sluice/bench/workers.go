package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// workers are the workers of a row and what they have reported. It is safe for concurrent use of its readers.
type workers struct {
	processes []*process
	readers   sync.WaitGroup
	changed   chan struct{} // has one when there is news

	mutex   sync.Mutex
	handled map[*process]int
	last    time.Time // when the last event was handled
	steps   []step
	killed  *process // the one that was
	lost    *process // one that ended by itself
}

// startWorkers starts workers that wait to begin. The first one writes the row's profile.
func (s *setup) startWorkers(ctx context.Context, r row, count int, what work) (*workers, error) {
	w := &workers{changed: make(chan struct{}, 1), handled: map[*process]int{}}
	for i := range count {
		part := spec{Role: roleWorker, Work: what}
		if i == 0 {
			part.Profile = s.runner.profile(r)
		}
		p, _, err := s.start(ctx, part)
		if err != nil {
			return nil, err
		}
		w.processes = append(w.processes, p)
	}
	return w, nil
}

// begin lets all workers begin.
func (w *workers) begin() error {
	for _, p := range w.processes {
		if err := p.begin(); err != nil {
			return err
		}
		w.readers.Go(func() { w.read(p) })
	}
	return nil
}

// read notes what a worker tells until it ends.
func (w *workers) read(p *process) {
	for {
		var t message
		err := p.out.Decode(&t)
		w.note(p, t, err)
		select {
		case w.changed <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

// note keeps what a worker reported, or that it ended. One that was killed on purpose ends without an error.
func (w *workers) note(p *process, t message, err error) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if err != nil {
		if p != w.killed {
			w.lost = p
		}
		return
	}
	if t.Progress == nil {
		return
	}
	w.handled[p] = t.Progress.Handled
	w.steps = append(w.steps, t.Progress.Steps...)
	if t.Progress.Last.After(w.last) {
		w.last = t.Progress.Last
	}
}

// until waits until that many events were handled, and returns when that was.
func (w *workers) until(ctx context.Context, count int) (time.Time, error) {
	for {
		handled, last, lost := w.state()
		switch {
		case handled >= count:
			return last, nil
		case lost != nil:
			lost.kill()
			return last, lost.failed(io.ErrUnexpectedEOF)
		}
		select {
		case <-w.changed:
		case <-ctx.Done():
			return last, ctx.Err()
		case <-time.After(messageTimeout):
			return last, fmt.Errorf("only %d of %d events were handled", handled, count)
		}
	}
}

// state returns how much all workers have handled, when the last of it was, and a worker that was lost, if one was.
func (w *workers) state() (handled int, last time.Time, lost *process) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	for _, count := range w.handled {
		handled += count
	}
	return handled, w.last, w.lost
}

// kill ends one of the workers without its knowing.
func (w *workers) kill(p *process) error {
	w.mutex.Lock()
	w.killed = p
	w.mutex.Unlock()
	return p.command.Process.Kill()
}

// stop lets the workers end by themselves and waits until they have reported everything.
func (w *workers) stop() error {
	var failures []error
	for _, p := range w.processes {
		_ = p.in.Close() // The one that was killed does not mind.
	}
	w.readers.Wait()
	for _, p := range w.processes {
		if p == w.killed {
			p.kill()
			continue
		}
		failures = append(failures, p.stop())
	}
	return errors.Join(failures...)
}
