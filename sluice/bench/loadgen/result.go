package loadgen

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Result is what a generator measured.
type Result struct {
	// Requests were answered as they should be in the measured Seconds; both leave out a warm-up.
	Requests int     `json:"requests"`
	Seconds  float64 `json:"seconds"`
	// Began is when the first request was sent, of the warm-up if there was one.
	Began time.Time `json:"began"`
	// P50 and the others are latencies in milliseconds.
	P50  float64 `json:"p50_ms"`
	P90  float64 `json:"p90_ms"`
	P99  float64 `json:"p99_ms"`
	P999 float64 `json:"p99_9_ms"`
	// Generator is what it cost to send, Processes what the processes that were named had to do meanwhile.
	Generator Usage   `json:"generator"`
	Processes []Usage `json:"processes,omitempty"`
	// Others is the part of all processors that was used by anything else, and so was missing here.
	Others float64 `json:"others"`
	// Statuses counts all answers by status; 0 are those of status 200 without the receipt that they should have.
	// Unanswered had none, and Unsent could not be sent in time.
	Statuses   map[int]int `json:"statuses"`
	Unanswered int         `json:"unanswered"`
	Unsent     int         `json:"unsent"`
	// Failure is why the first of the unanswered has no answer.
	Failure string `json:"failure,omitempty"`
	// Checked is what the stream holds of it, nil when it was not looked at.
	Checked *StoredCheck `json:"checked,omitempty"`
}

// Rate is how many requests were answered in a second.
func (r *Result) Rate() float64 { return float64(r.Requests) / r.Seconds }

// Err is nil when every request was answered 200 and, if the stream was looked at, is there exactly once.
func (r *Result) Err() error {
	var faults []error
	for _, status := range slices.Sorted(maps.Keys(r.Statuses)) {
		switch count := r.Statuses[status]; status {
		case http.StatusOK:
		case 0:
			faults = append(faults, fmt.Errorf("%d answers of status 200 have no receipt; is that a gateway of Sluice?", count))
		default:
			faults = append(faults, fmt.Errorf("%d answers have status %d", count, status))
		}
	}
	if r.Unanswered > 0 {
		faults = append(faults, fmt.Errorf("%d requests were not answered; the first: %s", r.Unanswered, r.Failure))
	}
	if r.Unsent > 0 {
		faults = append(faults, fmt.Errorf("%d requests could not be sent in time", r.Unsent))
	}
	if r.Requests == 0 {
		faults = append(faults, errors.New("no request was answered 200"))
	}
	if r.Checked != nil {
		faults = append(faults, r.Checked.Err())
	}
	return errors.Join(faults...)
}

// String is the result for people, a line for each thing. What is wrong is in Err.
func (r *Result) String() string {
	var text strings.Builder
	line := func(name, format string, args ...any) {
		fmt.Fprintf(&text, "%-22s"+format+"\n", append([]any{name}, args...)...)
	}
	line("requests/s", "%.0f", r.Rate())
	line("answered 200", "%d", r.Statuses[http.StatusOK])
	line("p50, p90, p99, p99.9", "%.2f, %.2f, %.2f, %.2f ms", r.P50, r.P90, r.P99, r.P999)
	line("CPU per 10,000", "%s generator", r.Generator.costs(r.Requests))
	for _, process := range r.Processes {
		line("", "%s process %d, at most %.0f MB", process.costs(r.Requests), process.PID, float64(process.Peak)/Megabyte)
	}
	if r.Checked == nil {
		line("in the stream", "not looked at")
	} else {
		line("in the stream", "%d of %d", r.Checked.Stored, r.Checked.Accepted)
	}
	return text.String()
}

// costs is the processor time for so many requests as text.
func (u Usage) costs(requests int) string {
	if requests == 0 || u.CPU == 0 {
		return "?"
	}
	return fmt.Sprintf("%.2f s", u.CPU*CostRequests/float64(requests))
}

func newResult(sent *load, tallies []*tally, samples []Sample) *Result {
	all := sum(tallies)
	milliseconds := func(part float64) float64 { return quantile(all.latencies, part).Seconds() * 1000 }
	result := &Result{
		Requests: len(all.latencies), Seconds: sent.elapsed(all).Seconds(), Began: sent.began,
		P50: milliseconds(0.5), P90: milliseconds(0.9), P99: milliseconds(0.99), P999: milliseconds(0.999),
		Statuses: all.statuses, Unanswered: all.unanswered, Unsent: sent.unsent(tallies),
	}
	if all.failure != nil {
		result.Failure = all.failure.Error()
	}
	result.Generator, result.Processes, result.Others = samples[1].Since(samples[0])
	return result
}

// CostRequests is the number of requests that processor time is given for: what one takes is too small a number.
const CostRequests = 10_000
