package stream

import (
	"math"
	"sync"
	"time"
)

// costs learns from which number of messages on a batch is cheaper than single writes, from what both take. So it
// needs not be told whether writes are synced, or how fast the disk is.
//
// A batch of n takes fixed + n·each, n single writes take n·single. On one replica with synced writes single is
// about 0.35 ms and fixed about 4.5 ms, so batches pay from some 14 messages on; without syncing a single write
// takes less than its share of a batch, so batches never pay. On several replicas the server itself shares syncs
// between messages, and batches are not used.
type costs struct {
	mutex    sync.Mutex
	settled  int // how many messages make a batch worth while, where that is not to be learned
	perWrite estimate
	fixed    estimate
	last     time.Time // when the last single write ended
	busy     time.Duration
	writes   int
}

const (
	// The first guesses, in seconds: a synced disk of common speed.
	guessedWrite = 350e-6
	guessedFixed = 4.5e-3
	// eachInBatch is what a message adds to a batch, in seconds. It is processor time, so it hardly differs.
	eachInBatch = 20e-6

	leastBatch = 4
	neverBatch = math.MaxInt / 2
)

func newCosts(replicas int) *costs {
	c := &costs{perWrite: estimate{guess: guessedWrite}, fixed: estimate{guess: guessedFixed}}
	if replicas > 1 {
		c.settled = neverBatch
	}
	return c
}

// batchFrom returns how many messages make a batch worth while.
func (c *costs) batchFrom() int {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.settled > 0 {
		return c.settled
	}
	perWrite := c.perWrite.value()
	if perWrite <= eachInBatch {
		return neverBatch
	}
	from := c.fixed.value() / (perWrite - eachInBatch)
	if from > MaxBatch {
		return neverBatch
	}
	return max(int(math.Ceil(from)), leastBatch)
}

// writesToLearn is how many single writes make one measurement. The server acknowledges several at a time, so that
// most of them seem to take nothing; together they took what they took.
const writesToLearn = 32

// single learns from a single write. The server writes one after the other, so one that waited for others took
// the time since the one before.
func (c *costs) single(begin, end time.Time) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	from := begin
	if c.last.After(begin) {
		from = c.last
	}
	c.busy += max(end.Sub(from), 0)
	c.last = end
	if c.writes++; c.writes < writesToLearn {
		return
	}
	c.perWrite.learn(c.busy.Seconds()/float64(c.writes), end)
	c.fixed.forget(end)
	c.busy, c.writes = 0, 0
}

// batch learns from a batch.
func (c *costs) batch(count int, took time.Duration) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	now := time.Now()
	c.fixed.learn(max(took.Seconds()-float64(count)*eachInBatch, 0), now)
	c.perWrite.forget(now)
}

const (
	// weight is how much a new measurement counts, and most how far it may be off: on a busy machine some take
	// many times as long as usual.
	weight = 0.2
	most   = 4.0
	// stale is how long an estimate is believed that is not measured any more because the other way is taken.
	// After that the guess is approached again, until the way is tried and measured anew.
	stale = time.Second
)

// estimate is a mean that new measurements move, of something that is not always measured.
type estimate struct {
	guess   float64
	mean    float64 // 0 before the first measurement
	learned time.Time
}

func (e *estimate) value() float64 {
	if e.mean == 0 {
		return e.guess
	}
	return e.mean
}

func (e *estimate) learn(measured float64, now time.Time) {
	known := e.value()
	measured = min(max(measured, known/most), known*most)
	e.mean = known + weight*(measured-known)
	e.learned = now
}

func (e *estimate) forget(now time.Time) {
	if now.Sub(e.learned) > stale {
		known := e.value()
		e.mean = known + weight*(e.guess-known)
	}
}
