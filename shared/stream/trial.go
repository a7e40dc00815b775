package stream

import "time"

// trial is a time in which single writes are measured although batches seem to be cheaper.
type trial int

const (
	noTrial trial = iota
	// ofFew lets 64 messages go singly and nothing else.
	ofFew
	// ofMany lets all go singly for a while. Where nothing is synced that is cheaper than few at a time, since the
	// server is never idle; so it follows when few were not much dearer than a batch.
	ofMany
)

// manyTime is how long a trial of many lasts.
const manyTime = 50 * time.Millisecond

// tried goes on with a trial, and tells whether that is all there is to do.
func (p *publisher) tried() bool {
	switch {
	case p.trial == ofFew && p.singles == 0:
		p.trial = noTrial
		if p.cost.writesMayPay(len(p.queue)) {
			p.trial, p.until = ofMany, time.Now().Add(manyTime)
		}
	case p.trial == ofMany && time.Now().After(p.until):
		p.trial = noTrial
	}
	if p.trial == ofMany {
		p.release(MaxBatch)
	}
	return p.trial != noTrial
}

// gatherTime is how long the next batch waits for as many as half the last one after that has ended. Whoever was
// answered just now is about to come again; going on with the first few of them would cost as much as a batch.
const gatherTime = 2 * time.Millisecond

func (p *publisher) gathering() bool {
	return len(p.queue) < p.size/2 && time.Now().Before(p.until)
}

// gather begins to wait after a batch of a size.
func (p *publisher) gather(size int) {
	p.size, p.until = size, time.Now().Add(gatherTime)
	time.AfterFunc(gatherTime, func() {
		p.mutex.Lock()
		defer p.mutex.Unlock()
		p.dispatch()
	})
}
