package handling

import (
	"context"
	"sync"

	"sluice.internal/shared/service"
	"sluice.internal/worker/keyed"
)

// shareOf is a partition that this worker owns or not.
type shareOf struct {
	name        string
	partition   *keyed.Partition
	ctx, giveUp context.Context //nolint:containedctx // Those of the worker.
	running     *sync.WaitGroup
	end         context.CancelFunc // nil while it is not owned
	ended       chan struct{}      // closed when it was given up the last time; nil before the first time
}

// own begins or ends to own the partition.
func (s *shareOf) own(wanted bool) {
	switch {
	case wanted && s.end == nil:
		ctx, end := context.WithCancel(s.ctx)
		before, ended := s.ended, make(chan struct{})
		s.end, s.ended = end, ended
		s.running.Go(func() {
			defer close(ended)
			defer end()
			if before != nil {
				<-before
			}
			s.partition.Run(ctx, s.giveUp)
		})
	case !wanted && s.end != nil:
		s.end()
		s.end = nil
	}
}

// troubles are a group's partitions that fail. The group is in trouble from the first one on until none is left: one after the
// other would say that it works again while others still fail.
type troubles struct {
	condition *service.Condition

	mutex   sync.Mutex
	failing int
}

// reporter takes the errors of one partition, and nil when it works or is given up.
func (t *troubles) reporter() func(error) {
	fails := false
	return func(err error) {
		t.mutex.Lock()
		defer t.mutex.Unlock()
		switch {
		case err != nil && !fails:
			fails = true
			t.failing++
			t.condition.Failed(err)
		case err == nil && fails:
			fails = false
			if t.failing--; t.failing == 0 {
				t.condition.Works()
			}
		}
	}
}
