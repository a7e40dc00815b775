package bench

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"sluice.internal/shared/stream"
)

// drain fills the store and lets a worker empty it.
func (l *lab) drain(ctx context.Context, r row) (f figures, err error) {
	s, err := l.setUp(ctx, r)
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, s.tearDown()) }()
	if err := s.fill(ctx, r.backlog); err != nil {
		return f, err
	}
	worker, _, err := s.start(ctx, spec{Role: roleWorker, Backlog: r.backlog, Profile: l.profile(r)})
	if err != nil {
		return f, err
	}
	before := takeSample(s.pids())
	said, err := worker.next(sayTime)
	if err != nil {
		return f, err
	}
	_, used, others := takeSample(s.pids()).since(before)
	l.others = append(l.others, others)
	count := float64(r.backlog)
	f = noFigures()
	f[accepted], f[handled] = count/said.Drained.Events, count/said.Drained.Handled
	f[storeCPU] = orNone(used[0].CPU * per / count)
	f[serverCPU] = orNone((used[0].CPU + used[1].CPU) * per / count)
	f[peak] = orNone(float64(used[1].Peak) / megabyte)
	return f, s.finish(worker)
}

// through sends for a while with a worker behind, and waits until that has handled everything.
func (l *lab) through(ctx context.Context, r row) (f figures, err error) {
	s, err := l.setUp(ctx, r)
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, s.tearDown()) }()
	if _, _, err := s.start(ctx, spec{Role: roleWorker}); err != nil {
		return f, err
	}
	_, address, err := s.startServer(ctx, r)
	if err != nil {
		return f, err
	}
	work := l.job(r, 0)
	work.Check = false // It would take processor time from the worker. Instead there must be an event for each.
	result, err := s.send(ctx, work, address)
	if err != nil {
		return f, err
	}
	count := result.Statuses[okStatus]
	done, err := s.handled(ctx, uint64(count)) //nolint:gosec // It is a count.
	if err != nil {
		return f, err
	}
	f = figuresOf(result, true)
	f[handled] = float64(count) / done.Sub(result.Began).Seconds()
	f[peak] = math.NaN()
	return f, nil
}

// handled waits until the worker has nothing left, and checks that there are as many events as there were answers.
func (s *setup) handled(ctx context.Context, count uint64) (done time.Time, err error) {
	ctx, cancel := context.WithTimeout(ctx, sayTime)
	defer cancel()
	err = s.withStreams(ctx, func(streams *stream.Streams) error {
		for {
			status, err := streams.Status(ctx)
			if err != nil {
				return err
			}
			if left(status) > 0 {
				if !wait(ctx, time.Now().Add(lookAgain)) {
					return ctx.Err()
				}
				continue
			}
			done = time.Now()
			return checkEvents(status, count)
		}
	})
	return done, err
}

// lookAgain is how often it is asked whether a worker is done.
const lookAgain = 20 * time.Millisecond

// left is what a worker has still to do.
func left(status stream.Status) uint64 {
	count := status.Intake.Waiting + status.Intake.UnderWay
	for _, group := range status.Groups {
		count += group.Waiting + group.UnderWay
	}
	return count
}

func checkEvents(status stream.Status, count uint64) error {
	for _, usage := range status.Streams {
		if usage.Name == stream.Events && usage.Messages != count {
			return fmt.Errorf("%d notifications were answered 200 and %d are events", count, usage.Messages)
		}
	}
	return nil
}
