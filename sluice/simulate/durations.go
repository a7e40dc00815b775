package simulate

import (
	"math/bits"
	"time"
)

// Each power of two of microseconds is divided into steps, so that a quantile is at most 1/steps too large.
const (
	stepBits = 5
	steps    = 1 << stepBits
)

// durations counts times in buckets, so that a run of days needs no more memory than one of seconds.
type durations struct {
	buckets [(64 - stepBits) * steps]int
	count   int
	longest time.Duration
}

// add counts a time; what is shorter than a microsecond counts as none.
func (d *durations) add(time time.Duration) {
	d.buckets[bucketOf(uint64(max(time.Microseconds(), 0)))]++
	d.count++
	d.longest = max(d.longest, time)
}

// quantile is the time that the part of all does not exceed, 0 without any.
func (d *durations) quantile(part float64) time.Duration {
	wanted := max(int(part*float64(d.count)+0.5), 1)
	for bucket, count := range d.buckets {
		if wanted -= count; wanted <= 0 {
			return min(endOf(bucket), d.longest)
		}
	}
	return d.longest
}

// bucketOf is the bucket of a number of microseconds: small numbers have one each.
func bucketOf(micros uint64) int {
	shift := max(bits.Len64(micros)-stepBits-1, 0)
	return shift*steps + int(micros>>shift) //nolint:gosec // It is less than 2*steps.
}

// endOf is the largest time in a bucket.
func endOf(bucket int) time.Duration {
	shift := max(bucket/steps-1, 0)
	return time.Duration((bucket-shift*steps+1)<<shift-1) * time.Microsecond
}
