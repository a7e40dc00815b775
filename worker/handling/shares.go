package handling

import (
	"cmp"
	"slices"

	"sluice.internal/shared/stream"
)

// share divides partitions among the workers of a group: each gets as many as any other, or one more. It returns the owner of
// each. Who has a partition keeps it as far as its share goes, so that as few as possible change hands. All workers come to
// the same result from the same states, whose order does not matter.
func share(partitions []string, workers []stream.WorkerState) map[string]string {
	if len(workers) == 0 {
		return nil
	}
	workers = slices.SortedFunc(slices.Values(workers), func(a, b stream.WorkerState) int { return cmp.Compare(a.ID, b.ID) })
	owners := map[string]string{}
	counts := map[string]int{}
	for _, w := range workers {
		// Two may tell that they own one, while it changes hands. The first of them has it here, on all workers alike.
		for _, p := range w.Partitions {
			if owners[p] == "" && slices.Contains(partitions, p) {
				owners[p] = w.ID
				counts[w.ID]++
			}
		}
	}
	// Who has too many gives up the last ones, so that all workers give up the same.
	quotas := quotas(len(partitions), workers, counts)
	for _, p := range slices.Backward(partitions) {
		if owner := owners[p]; counts[owner] > quotas[owner] {
			counts[owner]--
			delete(owners, p)
		}
	}
	for _, p := range partitions {
		if owners[p] != "" {
			continue
		}
		// To whoever lacks most; of several the first one.
		next := slices.MaxFunc(workers, func(a, b stream.WorkerState) int {
			return cmp.Or(cmp.Compare(quotas[a.ID]-counts[a.ID], quotas[b.ID]-counts[b.ID]), cmp.Compare(b.ID, a.ID))
		})
		owners[p] = next.ID
		counts[next.ID]++
	}
	return owners
}

// quotas returns how many partitions each worker is to own. Those who own the most get one more where they do not divide evenly.
func quotas(partitions int, workers []stream.WorkerState, counts map[string]int) map[string]int {
	byCount := slices.SortedStableFunc(slices.Values(workers), func(a, b stream.WorkerState) int {
		return cmp.Compare(counts[b.ID], counts[a.ID])
	})
	quotas := make(map[string]int, len(workers))
	for i, w := range byCount {
		quotas[w.ID] = partitions / len(workers)
		if i < partitions%len(workers) {
			quotas[w.ID]++
		}
	}
	return quotas
}
