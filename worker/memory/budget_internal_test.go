package memory

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
)

// limit, share and maximum are those of a budget that has its maximum.
const (
	limit   = 512 << 20
	share   = 0.25
	maximum = 96 << 20
)

// However many shards and lanes read side by side, what they read stays below its part of the memory limit.
func TestBodiesAreReadWithinTheirPartOfTheMemory(t *testing.T) {
	t.Parallel()
	memory := New(limit, share, maximum)
	if memory.total != maximum {
		t.Fatalf("the budget has %d bytes", memory.total)
	}
	var (
		held, largest atomic.Int64
		group         sync.WaitGroup
	)
	for reader := range 16 {
		group.Go(func() {
			for turn := range 200 {
				size := []int64{1 << 10, 64 << 10, 40 << 20, 200 << 20}[(reader+turn)%4]
				release := memory.Reserve(t.Context(), size)
				now := held.Add(min(size, memory.total))
				for before := largest.Load(); now > before && !largest.CompareAndSwap(before, now); before = largest.Load() {
				}
				held.Add(-min(size, memory.total))
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
	memory := New(limit, share, maximum)
	all := memory.Reserve(t.Context(), 100<<20)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if release := memory.Reserve(ended, 1); release != nil {
		t.Fatal("there was memory where none is free")
	}
	all()
	memory.Reserve(t.Context(), 100<<20)()
	if memory.free != memory.total || len(memory.waiting) != 0 {
		t.Errorf("%d of %d are free, %d wait", memory.free, memory.total, len(memory.waiting))
	}
}
