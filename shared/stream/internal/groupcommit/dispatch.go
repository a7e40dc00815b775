package groupcommit

import "time"

// probe is a time in which single writes are measured although batches seem to be cheaper.
type probe int

const (
	noProbe probe = iota
	// probeFew lets 64 callers write by themselves and nobody else.
	probeFew
	// probeMany lets all callers write by themselves for a while. Where nothing is synced that is cheaper per message
	// than a few at a time, since the server is never idle. So it follows when the few were not much dearer than a batch.
	probeMany
)

const (
	// probeManyTime is how long probeMany lasts.
	probeManyTime = 50 * time.Millisecond
	// lingerTime is how long the next batch waits at most for half as many messages as the last one had. Whoever was
	// answered just now is about to come again; going on with the first few of them would cost as much as a batch.
	lingerTime = 2 * time.Millisecond
)

// dispatch lets go of as much of the queue as should be under way now. See the package's drawing. The mutex must be
// held.
//
// While a batch is under way everything waits: the next batch is the larger for it, and single writes in between
// would each take a sync of their own. So a lone message waits for one batch at the most.
func (p *Publisher[M, A]) dispatch() {
	if p.probing() || p.batch || len(p.queue) == 0 || p.lingering() {
		return
	}
	threshold := p.costs.Threshold()
	switch {
	case len(p.queue) < threshold:
		p.releaseSingles(threshold - p.singles)
	case p.singles == 0 && p.costs.mayProbe():
		p.probe = probeFew
		p.releaseSingles(writesToLearn)
	default:
		p.batch = true
		p.costs.forgetSingles()
		go p.runBatch(p.takeBatch(), p.singles == 0)
	}
}

// probing goes on with a probe, and reports whether that is all there is to do.
func (p *Publisher[M, A]) probing() bool {
	switch {
	case p.probe == probeFew && p.singles == 0:
		p.probe = noProbe
		if p.costs.beginProbeOfMany(len(p.queue)) {
			p.probe, p.probeUntil = probeMany, time.Now().Add(probeManyTime)
		}
	case p.probe == probeMany && time.Now().After(p.probeUntil):
		p.probe = noProbe
	}
	if p.probe == probeMany {
		p.releaseSingles(MaxBatch)
	}
	return p.probe != noProbe
}

// lingering reports whether to wait for more messages before the next batch.
func (p *Publisher[M, A]) lingering() bool {
	return len(p.queue) < p.lastBatch/2 && time.Now().Before(p.lingerUntil)
}

// linger begins to wait after a batch of a size.
func (p *Publisher[M, A]) linger(size int) {
	p.lastBatch, p.lingerUntil = size, time.Now().Add(lingerTime)
	time.AfterFunc(lingerTime, func() {
		p.mutex.Lock()
		defer p.mutex.Unlock()
		p.dispatch()
	})
}

// releaseSingles lets up to count callers write their messages by themselves.
func (p *Publisher[M, A]) releaseSingles(count int) {
	for ; len(p.queue) > 0 && count > 0; count-- {
		e := p.queue[0]
		p.queue[0] = nil // The array stays for a while, and must not keep what was sent.
		p.queue = p.queue[1:]
		p.singles++
		e.result <- result[A]{single: true}
	}
}

// takeBatch removes the messages of one batch from the queue.
func (p *Publisher[M, A]) takeBatch() []*entry[M, A] {
	count, size := 0, 0
	for count < len(p.queue) && count < MaxBatch && (count < 2 || size+p.queue[count].size <= maxBatchBytes) {
		size += p.queue[count].size
		count++
	}
	taken := p.queue[:count:count]
	p.queue = append([]*entry[M, A](nil), p.queue[count:]...)
	return taken
}
