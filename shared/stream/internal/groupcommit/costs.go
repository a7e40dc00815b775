package groupcommit

import (
	"math"
	"math/bits"
	"sync"
	"time"
)

// Costs learns from which number of messages on a batch is cheaper than single writes, from what both take. So it
// need not be told whether writes are synced, how fast the disk is, or how busy the machine. It is safe for
// concurrent use.
//
// On one replica with synced writes a single write takes about 0.35 ms and a batch about 4.5 ms and a little for
// each message, so batches pay from some 14 messages on. Without syncing a single write takes less than its share
// of a batch, so batches never pay.
//
// What is not done is not measured. After a while its estimate is therefore taken for the first guess again: then
// it is tried once more where the guess is in its favour, and for single writes also where it is not.
type Costs struct {
	mutex sync.Mutex
	fixed int // the threshold, where that is not to be learned; 0 where it is
	write estimate
	// batches are per message, by the batch's class.
	batches [classes]estimate

	lastWrite time.Time // when the last single write ended
	lastBatch time.Time // when the last batch ended
	// busy is how long the server was busy with the last so many writes, which are measured together.
	busy   time.Duration
	writes int
}

const (
	// The first guesses: a synced disk of common speed. A batch takes a fixed time and some for each message.
	guessedWrite = 350 * time.Microsecond
	guessedFixed = 4500 * time.Microsecond
	guessedEach  = 20 * time.Microsecond

	// classes is how many classes of batches there are: those of 1, 2-3, 4-7, 8-15 … 256 messages and more.
	classes = 9
	// minBatch is how many messages a batch has at least.
	minBatch = 4
	// never is the threshold where batches don't pay.
	never = math.MaxInt / 2

	// cheapWrite is less than a synced write takes on a common disk. Where writes are that cheap, a batch has to cost
	// less than minGain of one for each of its messages: with both about the same, neither is what limits, and
	// single writes are answered sooner.
	cheapWrite = 100 * time.Microsecond
	minGain    = 0.5

	// writesToLearn is how many single writes make one measurement. The server acknowledges several at a time, so
	// that most of them seem to take nothing; together they took what they took.
	writesToLearn = 64

	// maxProbeCost is how many times dearer a few single writes may be than a batch for many of them to be probed.
	maxProbeCost = 3
)

// NewCosts returns costs that begin with the guess of a synced disk, and learn.
func NewCosts() *Costs {
	c := &Costs{write: estimate{guess: guessedWrite.Seconds()}}
	for class := range c.batches {
		c.batches[class].guess = guessedEach.Seconds() + guessedFixed.Seconds()/minOfClass(class)
	}
	return c
}

// Fixed returns costs that learn nothing: batches are used from the threshold on.
func Fixed(threshold int) *Costs { return &Costs{fixed: threshold} }

// SinglesOnly returns costs with which no batch is ever used, for a store that shares syncs by itself.
func SinglesOnly() *Costs { return Fixed(never) }

// classOf is the class of a batch of so many messages.
func classOf(count int) int { return min(bits.Len(uint(count))-1, classes-1) }

// minOfClass is how many messages a batch of a class has at least.
func minOfClass(class int) float64 { return float64(int(1) << class) }

// Threshold returns from how many messages on a batch is cheaper than single writes.
func (c *Costs) Threshold() int {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.fixed > 0 {
		return c.fixed
	}
	now := time.Now()
	write := c.write.value(now)
	bound := write
	if write < cheapWrite.Seconds() {
		bound = minGain * write
	}
	for class := classOf(minBatch); class < classes; class++ {
		if c.batches[class].value(now) < bound {
			return c.thresholdWithin(class, write, now)
		}
	}
	return never
}

// thresholdWithin finds the number of messages inside the first class that pays, as if the batch's time were fixed:
// at the beginning of a class a batch may cost twice as much per message as at its end.
func (c *Costs) thresholdWithin(class int, write float64, now time.Time) int {
	if class == classOf(minBatch) {
		return minBatch
	}
	below := c.batches[class-1].value(now) * minOfClass(class-1)
	return min(max(int(math.Ceil(below/write)), 1<<(class-1)), 1<<class)
}

// mayProbe reports whether single writes should be measured although batches seem to be cheaper.
func (c *Costs) mayProbe() bool {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.fixed == 0 && c.write.stale(time.Now())
}

// beginProbeOfMany reports whether single writes should be measured again with many at the same time, as count
// messages wait. If so it forgets what the few have shown.
func (c *Costs) beginProbeOfMany(count int) bool {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	now := time.Now()
	if count < writesToLearn || c.write.value(now) > maxProbeCost*c.batches[classOf(count)].value(now) {
		return false
	}
	c.write.learned = time.Time{}
	c.busy, c.writes = 0, 0
	return true
}

// Single learns from a single write. The server writes one after the other, so one that waited for others took
// the time since the one before.
func (c *Costs) Single(begin, end time.Time) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	from := begin
	if c.lastWrite.After(begin) {
		from = c.lastWrite
	}
	c.busy += max(end.Sub(from), 0)
	c.lastWrite = end
	if c.writes++; c.writes >= writesToLearn {
		c.write.learn(c.busy.Seconds()/float64(c.writes), end)
		c.busy, c.writes = 0, 0
	}
}

// forgetSingles forgets the single writes that a batch gets in the way of.
func (c *Costs) forgetSingles() {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.busy, c.writes = 0, 0
}

// Batch learns from a batch. One that came right after another took the time since that: what callers do in
// between takes its time with single writes too, and counts there.
func (c *Costs) Batch(count int, begin, end time.Time) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	from := begin
	if begin.Sub(c.lastBatch) < 2*lingerTime {
		from = c.lastBatch
	}
	c.lastBatch = end
	c.batches[classOf(count)].learn(end.Sub(from).Seconds()/float64(count), end)
}
