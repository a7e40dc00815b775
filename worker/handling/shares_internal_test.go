package handling

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"sluice.internal/shared/stream"
)

// Workers come and go in any order, and each goes by what the others told before. In the end all agree, the shares differ by
// one at most, and who had a partition has given it up only where its share became smaller.
func TestSharesDifferByOneAtMost(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		var partitions []string
		for i := range rapid.IntRange(1, 20).Draw(rt, "partitions") {
			partitions = append(partitions, fmt.Sprintf("g-p%d", i))
		}
		workers := []stream.WorkerState{{ID: "a"}}
		for step := range rapid.IntRange(1, 12).Draw(rt, "steps") {
			if len(workers) < 2 || len(workers) < 16 && rapid.Bool().Draw(rt, "joins") {
				workers = append(workers, stream.WorkerState{ID: fmt.Sprint(step)})
			} else {
				i := rapid.IntRange(0, len(workers)-1).Draw(rt, "leaves")
				workers = slices.Delete(workers, i, i+1)
			}
			before := workers
			workers = divide(partitions, workers)
			checkShares(rt, partitions, before, workers)
		}
	})
}

// divide lets each worker go by what all told until nothing changes any more.
func divide(partitions []string, workers []stream.WorkerState) []stream.WorkerState {
	owners := share(partitions, workers)
	shuffled := slices.Clone(workers)
	slices.Reverse(shuffled)
	for p, owner := range share(partitions, shuffled) {
		if owners[p] != owner {
			panic("workers do not agree about " + p)
		}
	}
	var divided []stream.WorkerState
	for _, w := range workers {
		w.Partitions = nil
		for _, p := range partitions {
			if owners[p] == w.ID {
				w.Partitions = append(w.Partitions, p)
			}
		}
		divided = append(divided, w)
	}
	return divided
}

func checkShares(rt *rapid.T, partitions []string, before, after []stream.WorkerState) {
	least, most, sum, moved := len(partitions), 0, 0, 0
	for i, w := range after {
		least, most, sum = min(least, len(w.Partitions)), max(most, len(w.Partitions)), sum+len(w.Partitions)
		for _, p := range before[i].Partitions {
			if !slices.Contains(w.Partitions, p) {
				moved++
			}
		}
	}
	if sum != len(partitions) || most-least > 1 {
		rt.Fatalf("shares %+v", after)
	}
	if share := (len(partitions) + len(after) - 1) / len(after); moved > share {
		rt.Fatalf("%d partitions changed hands, a share is %d", moved, share)
	}
}
