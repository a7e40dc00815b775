package service_test

import (
	"testing"

	"sluice.internal/shared/service"
)

func TestSmallestMemoryLimitCounts(t *testing.T) {
	t.Parallel()
	known := service.MemoryOf(0, nil)
	if known.Limit < 64<<20 || known.Origin == "" {
		t.Fatalf("without a configured limit: %+v", known)
	}
	if got := service.MemoryOf(100<<20, nil); got.Limit != 100<<20 || got.Origin != "memory_limit" {
		t.Errorf("100 MiB configured: %+v", got)
	}
	if got := service.MemoryOf(known.Limit, nil); got.Limit != known.Limit {
		t.Errorf("what was found, configured: %+v, was %+v", got, known)
	}
	if got := service.MemoryOf(1, nil); got.Limit != 64<<20 {
		t.Errorf("1 byte configured: %+v, want the least that can be divided", got)
	}
}

func TestPartsOfMemoryAreShares(t *testing.T) {
	t.Parallel()
	memory := service.Memory{Limit: 256 << 20}
	if got := memory.Part(0.25, 1<<30); got != 64<<20 {
		t.Errorf("a quarter of 256 MiB is %d", got)
	}
	if got := memory.Part(0.25, 10<<20); got != 10<<20 {
		t.Errorf("a quarter of 256 MiB, 10 MiB at most, is %d", got)
	}
}
