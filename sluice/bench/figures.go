package bench

import (
	"math"
	"slices"

	"sluice.internal/sluice/bench/loadgen"
)

// figure is one column of the table.
type figure int

const (
	answered figure = iota // requests a second
	p50                    // latencies in milliseconds
	p90
	p99
	p999
	accepted  // events a second
	handled   // events a second that a handler was done with
	serverCPU // processor seconds for 10,000 requests or events: all servers together
	storeCPU  // likewise, the store's part of them
	clientCPU // likewise, the generator
	peak      // the most resident memory in MB, of the gateway or of what stands in its place, or of a worker
	storePeak // likewise, the store
	silence   // the longest time in seconds in which a lane with events did not move

	figureCount
)

// figures are those of one measurement, NaN where there is none.
type figures [figureCount]float64

// noFigures are those of a row of which nothing was measured yet.
func noFigures() figures {
	var f figures
	for i := range f {
		f[i] = math.NaN()
	}
	return f
}

// figuresOf are those of a generator's result. The first of the processes is the store, if there is one.
func figuresOf(r *loadgen.Result, hasStore bool) figures {
	f := noFigures()
	f[answered] = r.Rate()
	f[p50], f[p90], f[p99], f[p999] = r.P50, r.P90, r.P99, r.P999
	f[clientCPU] = orNone(r.Generator.CPU * loadgen.CostRequests / float64(r.Requests))
	servers := 0.0
	for _, process := range r.Processes {
		servers += process.CPU * loadgen.CostRequests / float64(r.Requests)
	}
	f[serverCPU] = orNone(servers)
	if hasStore {
		f[storeCPU] = orNone(r.Processes[0].CPU * loadgen.CostRequests / float64(r.Requests))
	}
	return f
}

// orNone makes what could not be measured no figure.
func orNone(value float64) float64 {
	if value == 0 {
		return math.NaN()
	}
	return value
}

// medians returns the median of each figure over the rounds.
func medians(rounds []figures) figures {
	middle := noFigures()
	for i := range middle {
		var values []float64
		for _, f := range rounds {
			if !math.IsNaN(f[i]) {
				values = append(values, f[i])
			}
		}
		middle[i] = median(values)
	}
	return middle
}

// median returns the middle value, NaN when there are none. It sorts the values.
func median(values []float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	slices.Sort(values)
	half := len(values) / 2
	if len(values)%2 == 1 {
		return values[half]
	}
	return (values[half-1] + values[half]) / 2
}
