package worker

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"

	"sluice.internal/shared/notification"
)

// However many shards and lanes read side by side, what they read stays below its part of the memory limit.
func TestBodiesAreReadWithinTheirPartOfTheMemory(t *testing.T) {
	t.Parallel()
	memory := newMemoryBudget(512<<20, readingShare, maxReading)
	if memory.total != maxReading {
		t.Fatalf("%d bytes are for reading", memory.total)
	}
	if documentSize(8<<20)*2 > memory.total || documentSize(8<<20)*3 <= memory.total {
		t.Errorf("not two bodies of 8 MiB, which take %d bytes each, are read at a time", documentSize(8<<20))
	}
	if documentSize(2<<10) > 512<<10 || documentSize(8<<20) < notification.MaxValues*bytesPerValue {
		t.Errorf("2 KiB take %d bytes, 8 MiB %d", documentSize(2<<10), documentSize(8<<20))
	}
	var (
		held, largest atomic.Int64
		group         sync.WaitGroup
	)
	for reader := range 16 {
		group.Go(func() {
			for turn := range 200 {
				size := []int{1 << 10, 64 << 10, 8 << 20, 100 << 20}[(reader+turn)%4]
				release := memory.reserve(t.Context(), documentSize(size))
				now := held.Add(min(documentSize(size), memory.total))
				for before := largest.Load(); now > before && !largest.CompareAndSwap(before, now); before = largest.Load() {
				}
				held.Add(-min(documentSize(size), memory.total))
				release()
			}
		})
	}
	group.Wait()
	if largest.Load() > memory.total || memory.free != memory.total || len(memory.waiting) != 0 {
		t.Errorf("%d bytes were held, %d of %d are free, %d wait", largest.Load(), memory.free, memory.total, len(memory.waiting))
	}
}

func TestWhoGivesUpWaitingHoldsUpNobody(t *testing.T) {
	t.Parallel()
	memory := newMemoryBudget(512<<20, readingShare, maxReading)
	all := memory.reserve(t.Context(), 100<<20)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if release := memory.reserve(ended, 1); release != nil {
		t.Fatal("there was memory where none is free")
	}
	all()
	memory.reserve(t.Context(), 100<<20)()
	if memory.free != memory.total || len(memory.waiting) != 0 {
		t.Errorf("%d of %d are free, %d wait", memory.free, memory.total, len(memory.waiting))
	}
}
