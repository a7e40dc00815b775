package service

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

const (
	// maxGrowth lets the heap grow to five times what lives before it is collected. Processes here keep a few megabytes
	// and allocate hundreds a second, so the default would collect dozens of times a second to save memory that nobody
	// misses. Near the memory limit the runtime collects as often as it has to.
	maxGrowth = 400
	// minGrowth is the least that it may grow, in percent, however much lives: with less a heap of gigabytes would be
	// collected all the time.
	minGrowth = 25
	// maxGarbage is how much garbage there may be, in bytes, as far as these two allow. The embedded store keeps hundreds of
	// megabytes, and four times as much again is memory that others miss.
	maxGarbage = 128 << 20
)

// collected is garbage from the beginning, so that its cleanup tells of a collection. It is too large, and has a pointer, to
// share its memory with something that lives on.
type collected struct {
	_ [64]byte
	_ *collected
}

// followHeap sets after each collection how far the heap may grow until the next one, by what was found to live. It costs no
// goroutine and no timer. Current is what holds now, in percent.
func followHeap(current int) {
	runtime.AddCleanup(new(collected), func(current int) {
		percent := growth(liveHeap())
		if percent != current {
			debug.SetGCPercent(percent)
		}
		followHeap(percent)
	}, current)
}

// growth returns how far a heap may grow of which so many bytes live, in percent.
func growth(live uint64) int {
	if live == 0 {
		return maxGrowth
	}
	return int(min(max(maxGarbage*100/live, minGrowth), maxGrowth))
}

// liveHeap returns what the last collection found to live, in bytes; 0 where the runtime does not tell.
func liveHeap() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	if metrics.Read(sample); sample[0].Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return sample[0].Value.Uint64()
}
