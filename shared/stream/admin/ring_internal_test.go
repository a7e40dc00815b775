package admin

import (
	"runtime"
	"slices"
	"testing"
	"weak"
)

func TestRingKeepsTheLastValuesInOrder(t *testing.T) {
	t.Parallel()
	for count := range 12 {
		r := ring[int]{limit: 4}
		var want []int
		for value := range count {
			r.add(value)
			want = append(want, value)
		}
		if got := r.all(); !slices.Equal(got, want[max(len(want)-4, 0):]) {
			t.Errorf("of %d values it keeps %v", count, got)
		}
	}
}

func TestListingWithALimitKeepsNothingElseInMemory(t *testing.T) {
	t.Parallel()
	r := ring[*[1 << 10]byte]{limit: 3}
	var seen []weak.Pointer[[1 << 10]byte]
	for range 100 {
		body := new([1 << 10]byte)
		seen = append(seen, weak.Make(body))
		r.add(body)
	}
	kept := r.all()
	runtime.GC()
	live := 0
	for _, body := range seen {
		if body.Value() != nil {
			live++
		}
	}
	if live != len(kept) {
		t.Errorf("%d bodies stay in memory for a listing of %d", live, len(kept))
	}
	runtime.KeepAlive(kept)
}
