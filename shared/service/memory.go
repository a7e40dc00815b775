package service

import (
	"cmp"
	"math"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

const (
	// heapShare is the part of the limit that the runtime may use. The rest is for what it does not count: the program
	// itself, the kernel's buffers of sockets and files.
	heapShare = 0.85
	// defaultMemory is the limit where even the machine's memory is not known: enough for all parts in one process.
	defaultMemory = 1 << 30
	// minMemory is the smallest limit that is divided. With less the parts of the budget would not hold one notification each.
	minMemory = 64 << 20
)

// Memory is how much memory a process may use. Services divide Limit among what they hold.
type Memory struct {
	// Limit is in bytes, 64 MiB at least.
	Limit int64
	// Origin says where it is known from, for people: "memory_limit", "cgroup", "GOMEMLIMIT", "half of the machine" or "default".
	Origin string
}

// MemoryOf returns the limit that holds for this process: the smallest of the configured one in bytes (0 is none), of
// the cgroup's (version 1 and 2) and of the variable GOMEMLIMIT, if the environment has it. Where there is none of them it
// is half of the machine's memory.
func MemoryOf(configured int64, environ []string) Memory {
	var known []Memory
	if configured > 0 {
		known = append(known, Memory{configured, "memory_limit"})
	}
	if limit, err := memlimit.FromCgroup(); err == nil && limit > 0 && limit < math.MaxInt64 {
		known = append(known, Memory{int64(limit), "cgroup"})
	}
	if isSet(environ, "GOMEMLIMIT") {
		// The runtime has read it. Below zero it only says what it is.
		known = append(known, Memory{debug.SetMemoryLimit(-1), "GOMEMLIMIT"})
	}
	if len(known) == 0 {
		known = append(known, machineMemory())
	}
	memory := slices.MinFunc(known, func(a, b Memory) int { return cmp.Compare(a.Limit, b.Limit) })
	memory.Limit = max(memory.Limit, minMemory)
	return memory
}

// machineMemory returns half of the machine's memory: whatever else runs there has the other half.
func machineMemory() Memory {
	machine, err := memlimit.FromSystem()
	if err != nil || machine == 0 {
		return Memory{defaultMemory, "default"}
	}
	return Memory{int64(machine / 2), "half of the machine"} //nolint:gosec // No machine has more than half of 2^64 bytes.
}

// Part returns a share of the limit in bytes, the maximum at the largest. Shares of one process add up to less than one.
func (m Memory) Part(share float64, maximum int64) int64 {
	return min(int64(share*float64(m.Limit)), maximum)
}

// Tune makes the runtime keep to the limit, and trades memory below it for processor time. What the environment says
// with GOMEMLIMIT and GOGC goes before.
func (m Memory) Tune(environ []string) {
	if !isSet(environ, "GOMEMLIMIT") {
		debug.SetMemoryLimit(int64(heapShare * float64(m.Limit)))
	}
	if !isSet(environ, "GOGC") {
		debug.SetGCPercent(maxGrowth)
		followHeap(maxGrowth)
	}
}

// isSet reports whether the environment has the variable, even if it is empty.
func isSet(environ []string, name string) bool {
	return slices.ContainsFunc(environ, func(variable string) bool { return strings.HasPrefix(variable, name+"=") })
}
