package poller

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"sluice.internal/shared/config"
	"sluice.internal/shared/greenapi"
	"sluice.internal/shared/source"
	"sluice.internal/shared/stream"
)

const (
	// leaseLasts is how long a process that was killed keeps the others from polling; renewEvery how often the lease is made
	// to last longer, and how often is told how the instance is.
	leaseLasts = 45 * time.Second
	renewEvery = 15 * time.Second
	// leasePause is how long to wait before another's lease is looked at again.
	leasePause = 10 * time.Second
	// leaseTimeout bounds one look at the lease, and telling a state.
	leaseTimeout = 10 * time.Second
	// countEvery is how many renewals pass between two looks at what waits at GREEN-API.
	countEvery = 4
)

// instance is one account and its loop.
type instance struct {
	poller  *Poller
	from    *source.Configured
	account config.Instance
	client  *greenapi.Client
	lease   Lease
	log     *slog.Logger
	// limit is how large a body may be, in bytes.
	limit   int64
	trouble trouble
	repeats repeats

	mutex sync.Mutex
	state stream.PollState
}

func newInstance(p *Poller, from *source.Configured, account config.Instance, holder string) (*instance, error) {
	client, err := p.client(account)
	if err != nil {
		return nil, err
	}
	i := &instance{
		poller: p, from: from, account: account, client: client,
		lease: p.settings.NewLease(from.Name, account.ID, holder, leaseLasts),
		log:   p.log.With("source", from.Name, "instance", account.ID),
		limit: min(from.BodyLimit, p.settings.BodyLimit, p.settings.Store.MaxBody()),
		state: stream.PollState{
			Source: from.Name, Instance: account.ID, Holder: holder, State: stream.PollReceiving, Since: p.settings.Now().UTC(),
		},
	}
	i.trouble.instance = i
	return i, nil
}

// run polls whenever the lease is this process's, until the context ends.
func (i *instance) run(ctx context.Context) {
	for ctx.Err() == nil {
		if err := i.hold(ctx); err == nil {
			i.whileHeld(ctx)
			continue
		} else if !errors.Is(err, stream.ErrHeld) && ctx.Err() == nil {
			i.log.Debug("lease not held", "error", err)
		}
		_ = i.poller.settings.Sleep(ctx, spread(leasePause))
	}
}

// spread varies a pause, so that many instances do not ask at the same time.
func spread(pause time.Duration) time.Duration {
	return pause*3/4 + time.Duration(rand.Int64N(int64(pause/2)+1)) //nolint:gosec // Guards nothing.
}

func (i *instance) hold(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, leaseTimeout)
	defer cancel()
	return i.lease.Hold(ctx)
}

// whileHeld polls until the context ends or the lease is another's.
func (i *instance) whileHeld(ctx context.Context) {
	i.log.Info("polling GREEN-API", "host", i.client.Host())
	polling, stop := context.WithCancelCause(ctx)
	var loop sync.WaitGroup
	loop.Go(func() { i.poll(polling) })
	i.renew(polling, stop)
	loop.Wait()
	// The lease is given up also when the process ends, so that another one goes on at once.
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if err := i.lease.Release(ending); err != nil {
		i.log.Debug("lease not released", "error", err)
	}
}

// renew makes the lease last and tells how the instance is. What the store does not take is tried with the next renewal:
// while it takes nothing, nothing is polled away either.
func (i *instance) renew(ctx context.Context, stop context.CancelCauseFunc) {
	for round := 0; ; round++ {
		if round%countEvery == 0 {
			i.lookAtCount(ctx)
		}
		i.report(ctx)
		if i.poller.settings.Sleep(ctx, spread(renewEvery)) != nil {
			return
		}
		if err := i.hold(ctx); errors.Is(err, stream.ErrHeld) {
			i.log.Info("another process polls the instance now")
			stop(errLost)
			return
		}
	}
}

// report tells how the instance is.
func (i *instance) report(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, leaseTimeout)
	defer cancel()
	if err := i.poller.settings.Report(ctx, i.snapshot()); err != nil {
		i.log.Debug("state not told", "error", err)
	}
}

func (i *instance) snapshot() stream.PollState {
	i.mutex.Lock()
	defer i.mutex.Unlock()
	return i.state
}

// note changes what is told about the instance.
func (i *instance) note(change func(*stream.PollState)) {
	i.mutex.Lock()
	defer i.mutex.Unlock()
	change(&i.state)
}

// lookAtCount asks how much waits at GREEN-API, while that answers.
func (i *instance) lookAtCount(ctx context.Context) {
	if i.snapshot().State != stream.PollReceiving {
		i.note(func(s *stream.PollState) { s.Waiting = nil })
		return
	}
	count, err := i.client.Count(ctx)
	i.note(func(s *stream.PollState) {
		if s.Waiting = nil; err == nil {
			s.Waiting = &count
		}
	})
}
