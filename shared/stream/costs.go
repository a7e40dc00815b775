package stream

import (
	"math"
	"math/bits"
	"sync"
	"time"
)

// costs learns from which number of messages on a batch is cheaper than single writes, from what both take. So it
// needs not be told whether writes are synced, how fast the disk is, or how busy the machine.
//
// On one replica with synced writes a single write takes about 0.35 ms and a batch about 4.5 ms and a little for
// each message, so batches pay from some 14 messages on; without syncing a single write takes less than its share
// of a batch, so batches never pay. On several replicas the server itself shares syncs between messages, and
// batches are not used.
//
// What is not done is not measured. After a while its estimate is therefore taken for the first guess again: then
// it is tried once more where the guess is in its favour, and for single writes also where it is not.
type costs struct {
	mutex   sync.Mutex
	settled int // how many messages make a batch worth while, where that is not to be learned
	write   estimate
	batches [sizes]estimate // per message, by the batch's size
	last    time.Time       // when the last single write ended
	// lastBatch is when the last batch ended.
	lastBatch time.Time
	busy      time.Duration
	writes    int
}

const (
	// The first guesses: a synced disk of common speed.
	guessedWrite = 350 * time.Microsecond
	guessedFixed = 4500 * time.Microsecond
	guessedEach  = 20 * time.Microsecond

	// sizes is how many classes of batches there are: those of 1, 2, 4, 8 … 256 messages and more.
	sizes      = 9
	leastBatch = 4
	neverBatch = math.MaxInt / 2

	// cheapWrite is less than a synced write takes on a common disk. Where writes are that cheap, a batch has to cost
	// less than leastGain of one for each of its messages: with both about the same, neither is what limits, and
	// single writes are answered sooner.
	cheapWrite = 100 * time.Microsecond
	leastGain  = 0.5

	// writesToLearn is how many single writes make one measurement. The server acknowledges several at a time, so
	// that most of them seem to take nothing; together they took what they took.
	writesToLearn = 64
)

func newCosts(replicas int) *costs {
	c := &costs{write: estimate{guess: guessedWrite.Seconds()}}
	for class := range c.batches {
		c.batches[class].guess = guessedEach.Seconds() + guessedFixed.Seconds()/smallestOf(class)
	}
	if replicas > 1 {
		c.settled = neverBatch
	}
	return c
}

// smallestOf is the least number of messages of a class of batches.
func smallestOf(class int) float64 { return float64(int(1) << class) }

func class(count int) int { return min(bits.Len(uint(count))-1, sizes-1) }

// batchFrom returns how many messages make a batch worth while.
func (c *costs) batchFrom() int {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.settled > 0 {
		return c.settled
	}
	now := time.Now()
	write := c.write.value(now)
	bound := write
	if write < cheapWrite.Seconds() {
		bound = leastGain * write
	}
	for class := bits.Len(leastBatch) - 1; class < sizes; class++ {
		if c.batches[class].value(now) < bound {
			return c.within(class, write, now)
		}
	}
	return neverBatch
}

// within finds the number of messages inside the first class that pays, as if the batch's time were fixed: at the
// beginning of a class a batch may cost twice as much per message as at its end.
func (c *costs) within(class int, write float64, now time.Time) int {
	if class == bits.Len(leastBatch)-1 {
		return leastBatch
	}
	below := c.batches[class-1].value(now) * smallestOf(class-1)
	return min(max(int(math.Ceil(below/write)), 1<<(class-1)), 1<<class)
}

// tryWrites tells whether single writes should be measured although batches seem to be cheaper.
func (c *costs) tryWrites() bool {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.settled == 0 && c.write.stale(time.Now())
}

// mayPay is how many times dearer a few single writes may be than a batch for many to be worth a try.
const mayPay = 3

// writesMayPay tells whether single writes should be measured again with many at the same time, and begins to.
func (c *costs) writesMayPay(count int) bool {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	now := time.Now()
	if count < writesToLearn || c.write.value(now) > mayPay*c.batches[class(count)].value(now) {
		return false
	}
	c.write.learned = time.Time{}
	c.busy, c.writes = 0, 0
	return true
}

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
	if c.writes++; c.writes >= writesToLearn {
		c.write.learn(c.busy.Seconds()/float64(c.writes), end)
		c.busy, c.writes = 0, 0
	}
}

// disturbed forgets the single writes that a batch gets in the way of.
func (c *costs) disturbed() {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.busy, c.writes = 0, 0
}

// batch learns from a batch. One that came right after another took the time since that: what callers do in
// between takes its time with single writes too, and counts there.
func (c *costs) batch(count int, begin, end time.Time) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	from := begin
	if begin.Sub(c.lastBatch) < 2*gatherTime {
		from = c.lastBatch
	}
	c.lastBatch = end
	c.batches[class(count)].learn(end.Sub(from).Seconds()/float64(count), end)
}

const (
	// weight is how much a new measurement counts, and most how many times as long as usual it may have taken: on a
	// busy machine some take very long, and one of them must not change what is done.
	weight = 0.1
	most   = 2.0
	// leastTrust and mostTrust are how long an estimate counts that is not measured any more: a short time at first,
	// when connections and caches are cold, and longer with each time that it was measured anew.
	leastTrust = 250 * time.Millisecond
	mostTrust  = 10 * time.Second
)

// estimate is a mean that new measurements move, of something that is not always measured. Its unit is seconds.
type estimate struct {
	guess, mean float64
	learned     time.Time // zero before the first measurement
	trust       time.Duration
}

func (e *estimate) stale(now time.Time) bool { return now.Sub(e.learned) > e.trust }

func (e *estimate) value(now time.Time) float64 {
	if e.stale(now) {
		return e.guess
	}
	return e.mean
}

func (e *estimate) learn(measured float64, now time.Time) {
	measured = min(measured, most*e.value(now))
	if e.stale(now) {
		e.mean = measured
		e.trust = min(max(2*e.trust, leastTrust), mostTrust)
	} else {
		e.mean += weight * (measured - e.mean)
	}
	e.learned = now
}
