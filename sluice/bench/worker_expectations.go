package bench

import (
	"fmt"
	"slices"
	"time"

	"sluice.internal/sluice/bench/loadgen"
)

// intakes bound how fast notifications become events, with each backlog.
func (f summary) intakes(backlogs []int) []expectation {
	var all []expectation
	for _, count := range backlogs {
		r := row{subject: intake, synced: true, backlog: count}
		all = append(all, expectation{
			about: fmt.Sprintf("%s: validated and deduplicated, events/s", r), value: f.of(r, accepted), bound: bound{atLeast, 10_000},
		})
	}
	if len(backlogs) > 1 {
		small := row{subject: intake, synced: true, backlog: slices.Min(backlogs)}
		large := row{subject: intake, synced: true, backlog: slices.Max(backlogs)}
		all = append(all, expectation{
			about: fmt.Sprintf("%s: times the memory with a backlog of %d", large, small.backlog),
			value: f.of(large, peak) / f.of(small, peak), digits: 2,
		})
	}
	return all
}

// workerScaling compares several workers with one.
func (f summary) workerScaling() []expectation {
	var all []expectation
	for _, takes := range handlerTimes() {
		one := row{subject: inOrder, synced: true, workers: 1, takes: takes}
		for _, workers := range workerCounts()[1:] {
			more := row{subject: inOrder, synced: true, workers: workers, takes: takes}
			all = append(all, expectation{
				about: fmt.Sprintf("%s: times what 1 worker handles", more),
				value: f.of(more, handled) / f.of(one, handled), digits: 2,
			})
		}
	}
	for _, r := range manyChatsRows() {
		all = append(all, f.concurrencyLimit(r))
	}
	return all
}

// concurrencyLimit compares slow handlers with what they could do if nothing else took time.
func (f summary) concurrencyLimit(r row) expectation {
	return expectation{
		about: fmt.Sprintf("%s: part of what its concurrency allows", r),
		value: f.of(r, handled) * r.takes.Seconds() / float64(r.concurrency*r.workers), digits: 2,
	}
}

// movesAgain is how long a lane may stand still when its worker was killed.
const movesAgain = 10 * time.Second

// afterKill bounds how long lanes stand still when their worker is killed.
func (f summary) afterKill() expectation {
	r := killedRow()
	return expectation{
		about: fmt.Sprintf("%s: longest silence of a lane with events, s", r), value: f.of(r, silence), digits: 1,
		bound: bound{atMost, movesAgain.Seconds()},
	}
}

// parked compares handlers beside parked events with those beside none.
func (f summary) parked(count int) []expectation {
	with, without := parkedRow(count), parkedRow(0)
	return []expectation{
		{
			about: fmt.Sprintf("%s: part of what is handled with none", with),
			value: f.of(with, handled) / f.of(without, handled), digits: 2, bound: bound{atLeast, 0.8},
		},
		{
			about: fmt.Sprintf("%s: more memory of NATS, bytes per parked event", with),
			value: (f.of(with, storePeak) - f.of(without, storePeak)) * loadgen.Megabyte / float64(count),
		},
	}
}
