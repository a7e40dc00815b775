package bench

import (
	"fmt"
	"slices"
	"time"
)

func (f findings) intakes(backlogs []int) []claim {
	var all []claim
	for _, count := range backlogs {
		r := row{subject: intake, synced: true, backlog: count}
		all = append(all, claim{
			about: fmt.Sprintf("%s: validated and deduplicated, events/s", r), value: f.of(r, accepted), bound: bound{atLeast, 10_000},
		})
	}
	if len(backlogs) > 1 {
		small := row{subject: intake, synced: true, backlog: slices.Min(backlogs)}
		large := row{subject: intake, synced: true, backlog: slices.Max(backlogs)}
		all = append(all, claim{
			about: fmt.Sprintf("%s: times the memory with a backlog of %d", large, small.backlog),
			value: f.of(large, peak) / f.of(small, peak), digits: 2,
		})
	}
	return all
}

// crews compares several workers with one.
func (f findings) crews() []claim {
	var all []claim
	for _, takes := range handlerTimes() {
		one := row{subject: inOrder, synced: true, workers: 1, takes: takes}
		for _, workers := range workerCounts()[1:] {
			more := row{subject: inOrder, synced: true, workers: workers, takes: takes}
			all = append(all, claim{
				about: fmt.Sprintf("%s: times what 1 worker handles", more),
				value: f.of(more, handled) / f.of(one, handled), digits: 2,
			})
		}
	}
	return append(all, f.lanesLimit())
}

// tableLanes is how many lanes a table's streams have: those of streams that are made without a configuration.
const tableLanes = 64

// lanesLimit compares slow handlers with what they could do if nothing else took time: each lane is serial.
func (f findings) lanesLimit() claim {
	times := handlerTimes()
	slow := row{subject: inOrder, synced: true, workers: 1, takes: times[len(times)-1]}
	return claim{
		about: fmt.Sprintf("%s: part of what %d serial lanes allow", slow, tableLanes),
		value: f.of(slow, handled) * slow.takes.Seconds() / tableLanes, digits: 2,
	}
}

// movesAgain is how long a lane may stand still when its worker was killed.
const movesAgain = 10 * time.Second

func (f findings) afterKill() claim {
	r := killedRow()
	return claim{
		about: fmt.Sprintf("%s: longest silence of a lane with events, s", r), value: f.of(r, silence), digits: 1,
		bound: bound{atMost, movesAgain.Seconds()},
	}
}

// parked compares handlers beside parked events with those beside none.
func (f findings) parked(count int) []claim {
	with, without := parkedRow(count), parkedRow(0)
	return []claim{
		{
			about: fmt.Sprintf("%s: part of what is handled with none", with),
			value: f.of(with, handled) / f.of(without, handled), digits: 2, bound: bound{atLeast, 0.8},
		},
		{
			about: fmt.Sprintf("%s: more memory of NATS, bytes per parked event", with),
			value: (f.of(with, storePeak) - f.of(without, storePeak)) * megabyte / float64(count),
		},
	}
}
