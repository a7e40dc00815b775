package groupcommit

import "time"

const (
	// newWeight is how much a new measurement counts beside the mean of those before.
	newWeight = 0.1
	// maxOutlier is how many times as long as usual a measurement may have taken: on a busy machine some take very
	// long, and one of them must not change what is done.
	maxOutlier = 2.0
	// minTrust and maxTrust are how long an estimate counts that is not measured any more: a short time at first,
	// when connections and caches are cold, and longer with each time that it was measured anew.
	minTrust = 250 * time.Millisecond
	maxTrust = 10 * time.Second
)

// estimate is a mean that new measurements move, of something that is not always measured. Its unit is seconds.
type estimate struct {
	guess, mean float64
	learned     time.Time // when it was measured last; zero before the first measurement
	trust       time.Duration
}

// stale reports whether the mean is too old to count.
func (e *estimate) stale(now time.Time) bool { return now.Sub(e.learned) > e.trust }

// value is the mean, or the guess where that is stale.
func (e *estimate) value(now time.Time) float64 {
	if e.stale(now) {
		return e.guess
	}
	return e.mean
}

// learn takes in a measurement.
func (e *estimate) learn(measured float64, now time.Time) {
	measured = min(measured, maxOutlier*e.value(now))
	if e.stale(now) {
		e.mean = measured
		e.trust = min(max(2*e.trust, minTrust), maxTrust)
	} else {
		e.mean += newWeight * (measured - e.mean)
	}
	e.learned = now
}
