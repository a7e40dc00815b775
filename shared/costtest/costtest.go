// Package costtest holds fuzzers to what an input may cost. A fuzzer that looks for panics alone finds nothing in a parser
// that takes a gigabyte for ten kilobytes. Only tests import it.
package costtest

import (
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Limit is what an input of that many bytes may cost.
type Limit struct {
	// Base and PerByte are in bytes of memory, allocated in all, whether or not they are in use at the same time.
	Base, PerByte, MaxMemory uint64
	// CPUPerMiB is processor time for each MiB that is begun; that of other processes does not count.
	CPUPerMiB time.Duration
}

// Check runs a function on an input and reports when it costs more. Nothing else may run in the process meanwhile, as is so
// in fuzzers, whose seeds run after all tests.
func (l Limit) Check(t testing.TB, size int, run func()) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	begin := processorTime()
	run()
	used := processorTime() - begin
	runtime.ReadMemStats(&after)
	allocated := after.TotalAlloc - before.TotalAlloc
	if most := min(l.Base+uint64(size)*l.PerByte, l.MaxMemory); allocated > most { //nolint:gosec // A size is not negative.
		t.Errorf("an input of %d bytes takes %d bytes of memory, at most %d may be", size, allocated, most)
	}
	if most := time.Duration(size>>20+1) * l.CPUPerMiB; used > most {
		t.Errorf("an input of %d bytes takes %s of a processor, at most %s may be", size, used, most)
	}
}

// processorTime returns how long this process has used processors, 0 where that is not known.
func processorTime() time.Duration {
	var usage syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &usage) != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// Bodies returns bodies of about that size whose reading costs the most for their bytes, as seeds.
func Bodies(size int) [][]byte {
	fill := func(head, item, tail string) []byte {
		return []byte(head + strings.TrimSuffix(strings.Repeat(item, max((size-len(head)-len(tail))/len(item), 1)), ",") + tail)
	}
	nested := strings.Repeat("[", 250) + strings.Repeat("]", 250)
	return [][]byte{
		fill(`{"x":[`, `{"":0},`, `]}`),
		fill(`{"x":[`, `{},`, `]}`),
		fill(`{"x":[`, `[],`, `]}`),
		fill(`{"x":[`, `0,`, `]}`),
		fill(`{"x":[`, nested+`,`, `]}`),
		fill(`{"x":"`, `\u0000`, `"}`),
		fill(`{"x":[`, `"\ud83d\ude00",`, `]}`),
		fill(`{`, `"a":0,`, `}`),
		[]byte(strings.Repeat(`{"a":`, size/6) + `0` + strings.Repeat(`}`, size/6)),
		[]byte(strings.Repeat(`[`, size)),
		fill(`a=`, `&a=`, ``),
		fill(`payload={"x":[`, `{},`, `]}`),
	}
}
