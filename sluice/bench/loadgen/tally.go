package loadgen

import (
	"cmp"
	"math"
	"net/http"
	"slices"
	"time"
)

// tally is what one connection saw.
type tally struct {
	// receipts are the receipts of the notifications by their numbers, 0 where there is none.
	receipts []uint64
	// latencies are those of the measured time.
	latencies []time.Duration
	// statuses counts all answers. Those without the receipt they should have count as status 0.
	statuses   map[int]int
	unanswered int
	failure    error     // the first reason for one that is unanswered
	last       time.Time // when the last measured answer came
}

// add notes an answer, or that there is none. Notifications are numbered in their order.
func (t *tally) add(a answer, err error, receipts bool) {
	t.receipts = append(t.receipts, 0)
	switch {
	case err != nil:
		t.unanswered++
		t.failure = cmp.Or(t.failure, err)
		return
	case a.ok(receipts):
		t.receipts[len(t.receipts)-1] = a.receipt
	case a.status == http.StatusOK:
		a.status = 0
	}
	t.statuses[a.status]++
}

// measure notes how long a good answer took that came at that time.
func (t *tally) measure(took time.Duration, came time.Time) {
	t.latencies = append(t.latencies, took)
	t.last = came
}

// sum puts the tallies of all connections together, but for the receipts.
func sum(tallies []*tally) *tally {
	all := &tally{statuses: map[int]int{}}
	for _, t := range tallies {
		all.latencies = append(all.latencies, t.latencies...)
		all.unanswered += t.unanswered
		all.failure = cmp.Or(all.failure, t.failure)
		for status, count := range t.statuses {
			all.statuses[status] += count
		}
		if t.last.After(all.last) {
			all.last = t.last
		}
	}
	slices.Sort(all.latencies)
	return all
}

// quantile returns the smallest of the sorted values that at least that part of them does not exceed; 0 when there
// are none.
func quantile(sorted []time.Duration, part float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	rank := int(math.Ceil(part * float64(len(sorted))))
	return sorted[min(max(rank, 1), len(sorted))-1]
}
