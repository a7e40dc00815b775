package groupcommit

import (
	"context"
	"time"
)

// runBatch stores the entries in one batch. Alone says that no single write is under way, so that the batch's time
// is its own. Whatever makes it fail, each caller then writes its message by itself with the same id, which shows what
// became of it.
func (p *Publisher[M, A]) runBatch(entries []*entry[M, A], alone bool) {
	live := p.expire(entries)
	messages := make([]M, len(live))
	for i, e := range live {
		messages[i] = e.message
	}
	begin := time.Now()
	acks, err := p.store.WriteBatch(context.Background(), messages)
	if err == nil && alone {
		p.costs.Batch(len(live), begin, time.Now())
	}
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.batch = false
	if err == nil {
		p.linger(len(live))
	}
	for i, e := range live {
		switch {
		case err == nil:
			e.result <- result[A]{ack: acks[i]}
		case !e.abandoned:
			p.singles++
			e.result <- result[A]{single: true, unknown: p.store.MayBeStored(err)}
		}
	}
	p.dispatch()
}

// expire answers the entries whose callers' contexts have ended, and returns the others.
func (p *Publisher[M, A]) expire(entries []*entry[M, A]) []*entry[M, A] {
	live := entries[:0]
	for _, e := range entries {
		if e.ctx.Err() != nil {
			e.result <- result[A]{err: p.store.Ended(e.ctx, false)}
			continue
		}
		live = append(live, e)
	}
	return live
}
