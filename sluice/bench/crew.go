package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// crew are the workers of a row and what they have told. It is safe for concurrent use of its readers.
type crew struct {
	workers []*process
	readers sync.WaitGroup
	changed chan struct{} // has one when there is news

	mutex   sync.Mutex
	handled map[*process]int
	last    time.Time // when the last event was handled
	steps   []step
	killed  *process // the one that was
	lost    *process // one that ended by itself
}

// hire starts workers that wait to begin. The first one writes the row's profile.
func (s *setup) hire(ctx context.Context, r row, count int, what work) (*crew, error) {
	c := &crew{changed: make(chan struct{}, 1), handled: map[*process]int{}}
	for i := range count {
		part := spec{Role: roleWorker, Work: what}
		if i == 0 {
			part.Profile = s.lab.profile(r)
		}
		p, _, err := s.start(ctx, part)
		if err != nil {
			return nil, err
		}
		c.workers = append(c.workers, p)
	}
	return c, nil
}

// begin lets all workers begin.
func (c *crew) begin() error {
	for _, p := range c.workers {
		if err := p.begin(); err != nil {
			return err
		}
		c.readers.Go(func() { c.read(p) })
	}
	return nil
}

// read notes what a worker tells until it ends.
func (c *crew) read(p *process) {
	for {
		var t told
		err := p.out.Decode(&t)
		c.note(p, t, err)
		select {
		case c.changed <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

func (c *crew) note(p *process, t told, err error) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if err != nil {
		if p != c.killed {
			c.lost = p
		}
		return
	}
	if t.Progress == nil {
		return
	}
	c.handled[p] = t.Progress.Handled
	c.steps = append(c.steps, t.Progress.Steps...)
	if t.Progress.Last.After(c.last) {
		c.last = t.Progress.Last
	}
}

// until waits until that many events were handled, and returns when that was.
func (c *crew) until(ctx context.Context, count int) (time.Time, error) {
	for {
		handled, last, lost := c.state()
		switch {
		case handled >= count:
			return last, nil
		case lost != nil:
			lost.kill()
			return last, lost.failed(io.ErrUnexpectedEOF)
		}
		select {
		case <-c.changed:
		case <-ctx.Done():
			return last, ctx.Err()
		case <-time.After(sayTime):
			return last, fmt.Errorf("only %d of %d events were handled", handled, count)
		}
	}
}

func (c *crew) state() (handled int, last time.Time, lost *process) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	for _, count := range c.handled {
		handled += count
	}
	return handled, c.last, c.lost
}

// kill ends one of the workers without its knowing.
func (c *crew) kill(p *process) error {
	c.mutex.Lock()
	c.killed = p
	c.mutex.Unlock()
	return p.command.Process.Kill()
}

// dismiss lets the workers end by themselves and waits until they have told everything.
func (c *crew) dismiss() error {
	var failures []error
	for _, p := range c.workers {
		_ = p.in.Close() // The one that was killed does not mind.
	}
	c.readers.Wait()
	for _, p := range c.workers {
		if p == c.killed {
			p.kill()
			continue
		}
		failures = append(failures, p.stop())
	}
	return errors.Join(failures...)
}
