package loadgen

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"time"
)

const (
	// ticks is how many of the kernel's units of processor time make a second: sysconf(_SC_CLK_TCK), which is 100 on
	// every Linux. Source: proc(5).
	ticks = 100

	// Megabyte is how many bytes make the unit of the tables.
	Megabyte = 1e6
)

// Usage is what a process used. What can't be told is 0, as all of it where there is no /proc.
type Usage struct {
	PID int `json:"pid"`
	// CPU is its processor time in the measured time, in seconds.
	CPU float64 `json:"cpu_seconds"`
	// Peak is the most resident memory that it has ever had, in bytes.
	Peak int64 `json:"peak_bytes"`
}

// Sample is what all had used at one moment.
type Sample struct {
	at        time.Time
	busy      time.Duration
	generator Usage
	processes []Usage
}

// TakeSample returns what this process and those processes have used until now.
func TakeSample(pids []int) Sample {
	s := Sample{at: time.Now(), busy: busyTime(), generator: usageOf(os.Getpid())}
	for _, pid := range pids {
		s.processes = append(s.processes, usageOf(pid))
	}
	return s
}

func usageOf(pid int) Usage {
	return Usage{PID: pid, CPU: cpuTime(pid).Seconds(), Peak: peakMemory(pid)}
}

// Since returns what was used since the sample before, and the part of all processors that others used.
func (s Sample) Since(before Sample) (generator Usage, processes []Usage, others float64) {
	generator = s.generator
	generator.CPU -= before.generator.CPU
	known := generator.CPU
	for i, usage := range s.processes {
		usage.CPU -= before.processes[i].CPU
		processes = append(processes, usage)
		known += usage.CPU
	}
	all := s.at.Sub(before.at).Seconds() * float64(runtime.NumCPU())
	return generator, processes, max(((s.busy-before.busy).Seconds()-known)/all, 0)
}

// cpuTime returns the processor time that a process has used.
func cpuTime(pid int) time.Duration {
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	// The name stands in brackets and may have anything in it, brackets too.
	fields := bytes.Fields(content[bytes.LastIndexByte(content, ')')+1:])
	const user, system = 11, 12 // Fields 14 and 15, and the name is the second.
	if len(fields) <= system {
		return 0
	}
	return ticked(fields[user : system+1])
}

// busyTime returns the time that all processors together have worked, for whomever.
func busyTime() time.Duration {
	content, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0
	}
	line, _, _ := bytes.Cut(content, []byte("\n"))
	fields := bytes.Fields(line)
	// cpu, user, nice, system, idle, iowait, irq, softirq, steal.
	const idle, irq, steal = 4, 6, 8
	if len(fields) <= steal {
		return 0
	}
	return ticked(fields[1:idle]) + ticked(fields[irq:steal+1])
}

func ticked(fields [][]byte) time.Duration {
	var total int64
	for _, field := range fields {
		count, err := strconv.ParseInt(string(field), 10, 64)
		if err != nil {
			return 0
		}
		total += count
	}
	return time.Duration(total) * time.Second / ticks
}

// peakMemory returns the most resident memory in bytes that a process has had.
func peakMemory(pid int) int64 {
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := bytes.Cut(content, []byte("VmHWM:"))
	fields := bytes.Fields(rest)
	if len(fields) == 0 {
		return 0
	}
	kib, err := strconv.ParseInt(string(fields[0]), 10, 64)
	if err != nil {
		return 0
	}
	return kib << 10
}
