package bench

import (
	"math"
	"strings"
	"testing"
	"time"

	"sluice.internal/sluice/bench/loadgen"
)

func TestMediansLeaveOutWhatWasNotMeasured(t *testing.T) {
	t.Parallel()
	var rounds []figures
	for _, value := range []float64{5, 1, 3} {
		f := noFigures()
		f[answered] = value
		rounds = append(rounds, f)
	}
	rounds[0][p99], rounds[1][p99] = 4, 2
	found := medians(rounds)
	if found[answered] != 3 || found[p99] != 3 || !math.IsNaN(found[peak]) {
		t.Errorf("medians %v", found)
	}
}

func TestCostsAreForTenThousandRequests(t *testing.T) {
	t.Parallel()
	f := figuresOf(&loadgen.Result{
		Requests: 20_000, Seconds: 2, P50: 1, P999: 4,
		Generator: loadgen.Usage{CPU: 1}, Processes: []loadgen.Usage{{CPU: 2}, {CPU: 3}},
	}, true)
	want := noFigures()
	want[answered], want[p50], want[p90], want[p99], want[p999] = 10_000, 1, 0, 0, 4
	want[clientCPU], want[storeCPU], want[serverCPU] = 0.5, 1, 2.5
	for i := range f {
		if f[i] != want[i] && !(math.IsNaN(f[i]) && math.IsNaN(want[i])) {
			t.Errorf("figure %d is %v, want %v", i, f[i], want[i])
		}
	}
}

func TestExpectationsHaveTheirTargetsBesideThem(t *testing.T) {
	t.Parallel()
	rate := func(value float64) figures {
		f := noFigures()
		f[answered], f[p99], f[accepted], f[peak] = value, value/100, value, value/100
		f[handled], f[storePeak], f[silence] = value, value/100, value/1000
		return f
	}
	const slow = 20 * time.Millisecond
	found := summary{
		{subject: httpLimit, connections: 256}:                  rate(40_000),
		{subject: storeLimit, synced: true, connections: 256}:   rate(10_000),
		{subject: wholeGateway, synced: true, connections: 256}: rate(8_000),
		{subject: perRequest, synced: true, connections: 256}:   rate(2_500),
		{subject: barePublish, synced: true, connections: 1}:    rate(1_300),
		{subject: wholeGateway, synced: true, connections: 1}:   rate(1_000),
		{subject: halfRate, synced: true, connections: 256}:     rate(2_600),
		{subject: intake, synced: true, backlog: 10_000}:        rate(9_999),
		{subject: intake, synced: true, backlog: 50_000}:        rate(10_000),

		{subject: inOrder, synced: true, workers: 1, takes: slow}: rate(2_400),
		{subject: inOrder, synced: true, workers: 2, takes: slow}: rate(3_000),
		{subject: inOrder, synced: true, workers: 1}:              rate(8_000),
		{subject: inOrder, synced: true, workers: 4}:              rate(6_000),
		manyChatsRows()[1]: rate(6_000),
		{subject: oneKilled, synced: true, workers: 2, takes: slow}: rate(10_100),
		{subject: besideParked, workers: 1}:                         rate(10_000),
		{subject: besideParked, workers: 1, parked: 200_000}:        rate(8_000),
	}
	var text strings.Builder
	options := TableOptions{Connections: []int{64, 256}, Backlogs: []int{10_000, 50_000}, Parked: 200_000}
	writeExpectations(&text, expectations(options, found))
	want := `
| | figure | target | |
|---|--:|--:|---|
| gateway, synced, 256 connections: part of what HTTP limit and store limit allow together | 1.00 | ≥ 0.8 | ok |
| gateway, synced, 256 connections: times publish per request | 3.20 | ≥ 4 | MISSED |
| gateway, synced, 1 connection: times what a bare publish takes | 1.30 | ≤ 1.3 | ok |
| gateway at half its most, synced, 256 connections: p99, ms | 26.0 | ≤ 25 | MISSED |
| gateway, synced, 256 connections: memory, MB | 80 | ≤ 150 | ok |
| intake, backlog of 10000, synced: validated and deduplicated, events/s | 9999 | ≥ 10000 | MISSED |
| intake, backlog of 50000, synced: validated and deduplicated, events/s | 10000 | ≥ 10000 | ok |
| intake, backlog of 50000, synced: times the memory with a backlog of 10000 | 1.00 |  |  |
| handlers in order, 0 ms, 4 workers, synced: times what 1 worker handles | 0.75 |  |  |
| handlers in order, 20 ms, 2 workers, synced: times what 1 worker handles | 1.25 |  |  |
| handlers in order, 1000 ms, 20000 chats, 8000 at a time, 1 worker, synced: part of what its concurrency allows | 0.75 |  |  |
| handlers in order, 20 ms, one of the workers killed, 2 workers, synced: longest silence of a lane with events, s | 10.1 | ≤ 10 | MISSED |
| handlers in order, 0 ms, 200000 parked, 1 worker, default syncing: part of what is handled with none | 0.80 | ≥ 0.8 | ok |
| handlers in order, 0 ms, 200000 parked, 1 worker, default syncing: more memory of NATS, bytes per parked event | -100 |  |  |
`
	if text.String() != want {
		t.Errorf("got\n%s\nwant\n%s", text.String(), want)
	}
}

func TestOnlyKeepsWhatARowNeeds(t *testing.T) {
	t.Parallel()
	var names []string
	for _, r := range only("half", rows(TableOptions{Connections: []int{64, 256}, Backlogs: []int{10}})) {
		names = append(names, r.String())
	}
	want := "gateway, synced, 256 connections; gateway at half its most, synced, 256 connections"
	if got := strings.Join(names, "; "); got != want {
		t.Errorf("rows %s, want %s", got, want)
	}
}
