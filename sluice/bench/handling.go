package bench

import (
	"context"
	"errors"
	"slices"
	"time"

	"sluice.internal/shared/stream"
)

const (
	// mostHandled is about what workers handle in a second, so that a backlog lasts as long as a row is meant to.
	mostHandled = 20_000
	// killAfter is which part of a row's time a worker works that is killed.
	killAfter = 4
)

// handling fills the lanes and lets workers empty them.
func (l *lab) handling(ctx context.Context, r row) (f figures, err error) {
	s, err := l.setUp(ctx, r)
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, s.tearDown()) }()
	count := 0
	err = s.withStreams(ctx, func(streams *stream.Streams) error {
		count = l.backlogOf(r, streams.Lanes())
		return errors.Join(l.fillEvents(ctx, streams, count), l.park(ctx, streams, r.parked))
	})
	if err != nil {
		return f, err
	}
	c, err := s.hire(ctx, r, r.workers, work{Handlers: true, Takes: r.takes, Traced: r.subject == oneKilled})
	if err != nil {
		return f, err
	}
	if r.subject == oneKilled {
		return l.killOne(ctx, s, c, count)
	}
	before, began := takeSample(s.pids()), time.Now()
	if err := c.begin(); err != nil {
		return f, err
	}
	done, err := c.until(ctx, count)
	if err != nil {
		return f, err
	}
	f = l.workFigures(s, before, count)
	f[handled] = float64(count) / done.Sub(began).Seconds()
	if _, err := s.handled(ctx, uint64(count)); err != nil {
		return f, err
	}
	return f, c.dismiss()
}

// backlogOf is how many events last about as long as a row is meant to, in each lane as many.
func (l *lab) backlogOf(r row, lanes int) int {
	each := l.Duration.Seconds() * mostHandled / float64(lanes)
	if r.takes > 0 {
		each = min(each, l.Duration.Seconds()/r.takes.Seconds())
	}
	return max(int(each), 1) * lanes
}

// workFigures are what it cost to process so many. The store is the first of the processes, the rest are workers.
func (l *lab) workFigures(s *setup, before sample, count int) figures {
	_, used, others := takeSample(s.pids()).since(before)
	l.others = append(l.others, others)
	f := noFigures()
	var servers, most float64
	for i, usage := range used {
		servers += usage.CPU
		if i > 0 {
			most = max(most, float64(usage.Peak))
		}
	}
	f[serverCPU] = orNone(servers * per / float64(count))
	f[storeCPU] = orNone(used[0].CPU * per / float64(count))
	f[peak], f[storePeak] = orNone(most/megabyte), orNone(float64(used[0].Peak)/megabyte)
	return f
}

// killOne kills a worker in the middle of its handlers and returns how long lanes stood still.
func (l *lab) killOne(ctx context.Context, s *setup, c *crew, count int) (f figures, err error) {
	began := time.Now()
	if err := c.begin(); err != nil {
		return f, err
	}
	wait(ctx, began.Add(l.Duration/killAfter))
	if err := c.kill(c.workers[len(c.workers)-1]); err != nil {
		return f, err
	}
	if _, err := s.handled(ctx, uint64(count)); err != nil { //nolint:gosec // Not negative.
		return f, err
	}
	if err := c.dismiss(); err != nil {
		return f, err
	}
	f = noFigures()
	f[silence] = longestSilence(c.steps, began).Seconds()
	return f, nil
}

// longestSilence is the longest time in which any lane did not go on, up to its last event.
func longestSilence(steps []step, began time.Time) (longest time.Duration) {
	slices.SortFunc(steps, func(a, b step) int { return a.At.Compare(b.At) })
	last := map[int]time.Time{}
	for _, s := range steps {
		before, ok := last[s.Lane]
		if !ok {
			before = began
		}
		longest = max(longest, s.At.Sub(before))
		last[s.Lane] = s.At
	}
	return longest
}
