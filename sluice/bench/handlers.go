package bench

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"sluice.internal/shared/config"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/consume"
	"sluice.internal/sluice/bench/loadgen"
)

// killAfter is which part of a row's time a worker works that is killed.
const killAfter = 4

// measureHandlers fills the lanes and lets workers empty them.
func (run *runner) measureHandlers(ctx context.Context, r row) (f figures, err error) {
	s, err := run.setUp(ctx, r)
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, s.tearDown()) }()
	count := 0
	err = s.withStreams(ctx, func(streams *stream.Client) error {
		count = run.backlogOf(r, streams.Lanes())
		worker := consume.NewClient(streams)
		// Those that would get no event need not be found.
		chats := min(cmp.Or((r.chats+streams.Lanes()-1)/streams.Lanes(), laneChats), count/streams.Lanes())
		return errors.Join(run.fillEvents(ctx, worker, count, chats), run.park(ctx, worker, r.parked))
	})
	if err != nil {
		return f, err
	}
	c, err := s.startWorkers(ctx, r, r.workers, work{
		Handlers: true, Takes: r.takes, Traced: r.subject == oneKilled, Concurrency: r.atOnce(),
	})
	if err != nil {
		return f, err
	}
	if r.subject == oneKilled {
		return run.killOne(ctx, s, c, count)
	}
	before, began := loadgen.TakeSample(s.pids()), time.Now()
	if err := c.begin(); err != nil {
		return f, err
	}
	done, err := c.until(ctx, count)
	if err != nil {
		return f, err
	}
	f = run.workFigures(s, before, count)
	f[handled] = float64(count) / done.Sub(began).Seconds()
	if _, err := s.handled(ctx, uint64(count)); err != nil {
		return f, err
	}
	return f, c.stop()
}

// backlogOf is how many events last about as long as a row is meant to, in each lane as many.
func (run *runner) backlogOf(r row, lanes int) int {
	rate := float64(run.EventRate)
	if r.takes > 0 {
		rate = min(rate, float64(r.atOnce()*r.workers)/r.takes.Seconds())
	}
	return max(int(run.Duration.Seconds()*rate/float64(lanes)), 1) * lanes
}

// atOnce is how many events each worker handles at a time.
func (r row) atOnce() int { return cmp.Or(r.concurrency, config.Default().Worker.Concurrency) }

// workFigures are what it cost to process so many. The store is the first of the processes, the rest are workers.
func (run *runner) workFigures(s *setup, before loadgen.Sample, count int) figures {
	_, used, others := loadgen.TakeSample(s.pids()).Since(before)
	run.others = append(run.others, others)
	f := noFigures()
	var servers, most float64
	for i, usage := range used {
		servers += usage.CPU
		if i > 0 {
			most = max(most, float64(usage.Peak))
		}
	}
	f[serverCPU] = orNone(servers * loadgen.CostRequests / float64(count))
	f[storeCPU] = orNone(used[0].CPU * loadgen.CostRequests / float64(count))
	f[peak], f[storePeak] = orNone(most/loadgen.Megabyte), orNone(float64(used[0].Peak)/loadgen.Megabyte)
	return f
}

// killOne kills a worker in the middle of its handlers and returns how long lanes stood still.
func (run *runner) killOne(ctx context.Context, s *setup, c *workers, count int) (f figures, err error) {
	began := time.Now()
	if err := c.begin(); err != nil {
		return f, err
	}
	loadgen.WaitUntil(ctx, began.Add(run.Duration/killAfter))
	if err := c.kill(c.processes[len(c.processes)-1]); err != nil {
		return f, err
	}
	if _, err := s.handled(ctx, uint64(count)); err != nil { //nolint:gosec // Not negative.
		return f, err
	}
	if err := c.stop(); err != nil {
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
