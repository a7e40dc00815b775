package service

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"
)

func TestHeapGrowsByWhatLives(t *testing.T) {
	t.Parallel()
	for live, want := range map[uint64]int{0: 400, 1 << 20: 400, 32 << 20: 400, 64 << 20: 200, 256 << 20: 50, 512 << 20: 25, 8 << 30: 25} {
		if got := growth(live); got != want {
			t.Errorf("of %d MiB that live: %d %%, want %d %%", live>>20, got, want)
		}
	}
}

//nolint:paralleltest // There is one collector in a process.
func TestCollectorFollowsTheHeap(t *testing.T) {
	before := debug.SetGCPercent(maxGrowth)
	t.Cleanup(func() { debug.SetGCPercent(before) })
	followHeap(maxGrowth)
	large := make([]byte, 512<<20)
	for range 100 { // A cleanup runs some time after the collection that found its value.
		runtime.GC()
		percent := []metrics.Sample{{Name: "/gc/gogc:percent"}}
		metrics.Read(percent)
		if percent[0].Value.Uint64() == minGrowth {
			runtime.KeepAlive(large)
			return
		}
		runtime.Gosched()
	}
	t.Error("with 512 MiB that live the heap may still grow by more than 25 %")
}
