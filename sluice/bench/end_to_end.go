package bench

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/admin"
	"sluice.internal/sluice/bench/loadgen"
)

// measureIntake fills the store and lets a worker without handlers make events of everything.
func (run *runner) measureIntake(ctx context.Context, r row) (f figures, err error) {
	s, err := run.setUp(ctx, r)
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, s.tearDown()) }()
	if err := s.fill(ctx, r.backlog); err != nil {
		return f, err
	}
	c, err := s.startWorkers(ctx, r, 1, work{Intake: true})
	if err != nil {
		return f, err
	}
	var took time.Duration
	before := loadgen.TakeSample(s.pids())
	err = s.withStreams(ctx, func(streams *stream.Client) error {
		began := time.Now()
		if err := c.begin(); err != nil {
			return err
		}
		done, err := stored(ctx, streams, uint64(r.backlog)) //nolint:gosec // Not negative.
		took = done.Sub(began.Round(0))                      // The store's clock has no monotonic reading.
		return err
	})
	if err != nil {
		return f, err
	}
	f = run.workFigures(s, before, r.backlog)
	f[accepted] = float64(r.backlog) / took.Seconds()
	return f, c.stop()
}

// stored waits until there are that many events, and returns when the last one was stored.
func stored(ctx context.Context, streams *stream.Client, count uint64) (time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, messageTimeout)
	defer cancel()
	for {
		opened, err := streams.JetStream().Stream(ctx, stream.Events)
		if err != nil {
			return time.Time{}, fmt.Errorf("open stream %s: %w", stream.Events, err)
		}
		if state := opened.CachedInfo().State; state.Msgs >= count {
			return state.LastTime, nil
		}
		if !loadgen.WaitUntil(ctx, time.Now().Add(lookAgain)) {
			return time.Time{}, ctx.Err()
		}
	}
}

// measureEndToEnd sends for a while with a worker behind, and waits until that has handled everything.
func (run *runner) measureEndToEnd(ctx context.Context, r row) (f figures, err error) {
	s, err := run.setUp(ctx, r)
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, s.tearDown()) }()
	c, err := s.startWorkers(ctx, r, 1, work{Intake: true, Handlers: true})
	if err != nil {
		return f, err
	}
	if err := c.begin(); err != nil {
		return f, err
	}
	_, address, err := s.startServer(ctx, r)
	if err != nil {
		return f, err
	}
	work := run.job(r, 0)
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
	return f, c.stop()
}

// handled waits until the worker has nothing left, and checks that there are as many events as there were answers.
func (s *setup) handled(ctx context.Context, count uint64) (done time.Time, err error) {
	ctx, cancel := context.WithTimeout(ctx, messageTimeout)
	defer cancel()
	err = s.withStreams(ctx, func(streams *stream.Client) error {
		for {
			status, err := admin.NewClient(streams).Status(ctx)
			if err != nil {
				return err
			}
			if left(status) > 0 {
				if !loadgen.WaitUntil(ctx, time.Now().Add(lookAgain)) {
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
func left(status admin.Status) uint64 {
	count := status.Intake.Waiting + status.Intake.UnderWay
	for _, group := range status.Groups {
		count += group.Waiting + group.UnderWay
	}
	return count
}

// checkEvents returns an error where there are not as many events as notifications: a figure of work that was not done is
// worth nothing.
func checkEvents(status admin.Status, count uint64) error {
	for _, usage := range status.Streams {
		if usage.Name == stream.Events && usage.Messages != count {
			return fmt.Errorf("%d notifications were answered 200 and %d are events", count, usage.Messages)
		}
	}
	return nil
}
