package simulate

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Summary is what came of a run.
type Summary struct {
	Progress

	// Seed makes the same run again.
	Seed      uint64 `json:"seed,string"`
	Instances int    `json:"instances"`
	// Queued is how many notifications had come into being and were never sent.
	Queued int `json:"queued"`
	// Seconds is how long the run took, Rate how many notifications were accepted in one of them.
	Seconds float64 `json:"seconds"`
	Rate    float64 `json:"notifications_per_second"`
	// P50 and the others are the times until an answer came, whichever, in milliseconds.
	P50 float64 `json:"p50_ms"`
	P99 float64 `json:"p99_ms"`
	Max float64 `json:"max_ms"`
	// LongestGap is the longest time in seconds in which no instance got a 200 though at least one was trying.
	LongestGap float64 `json:"longest_gap_seconds"`
	// Outcomes are all that were not 200, the most frequent first.
	Outcomes []Outcome `json:"outcomes"`
}

// summary sums the run up. Rates are over the whole run, with the time in which nothing was sent.
func (t *tally) summary(settings Settings, took time.Duration) Summary {
	s := Summary{Progress: t.progress(), Seed: settings.Seed, Instances: settings.Instances, Outcomes: []Outcome{}}
	t.mutex.Lock()
	defer t.mutex.Unlock()
	s.Queued = t.unsent
	s.Seconds = took.Seconds()
	s.Rate = float64(s.Accepted) / max(s.Seconds, 1e-9)
	s.P50, s.P99, s.Max = millis(t.times.quantile(0.5)), millis(t.times.quantile(0.99)), millis(t.times.longest)
	s.LongestGap = t.drought.longest.Seconds()
	for outcome, count := range t.outcomes {
		outcome.Count = count
		s.Outcomes = append(s.Outcomes, outcome)
	}
	slices.SortFunc(s.Outcomes, func(a, b Outcome) int {
		return cmp.Or(b.Count-a.Count, strings.Compare(a.String(), b.String()))
	})
	return s
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// Err is nil when everything was accepted, else it says in sentences what was not.
func (s Summary) Err() error {
	var faults []error
	if s.GivenUp > 0 {
		faults = append(faults, fmt.Errorf("%d of %d notifications given up: not answered 200 before they expired", s.GivenUp, s.Notifications))
	}
	if s.Pending > 0 {
		faults = append(faults, fmt.Errorf("%d of %d notifications pending: sent and not answered 200", s.Pending, s.Notifications))
	}
	if s.Queued > 0 {
		faults = append(faults, fmt.Errorf("%d more notifications queued: never sent", s.Queued))
	}
	return errors.Join(faults...)
}

// String is the summary for people, one figure a line.
func (s Summary) String() string {
	var text strings.Builder
	row := func(name, format string, args ...any) {
		fmt.Fprintf(&text, "%-16s  "+format+"\n", append([]any{name}, args...)...)
	}
	row("seed", "%d", s.Seed)
	row("instances", "%d", s.Instances)
	row("notifications", "%d in %.1f s, accepted %.1f/s", s.Notifications, s.Seconds, s.Rate)
	row("attempts", "%d, of which %d resent", s.Attempts, s.Resent)
	row("answered 200", "%d", s.Answered200)
	for _, outcome := range s.Outcomes {
		row("not 200", "%d: %s", outcome.Count, outcome)
	}
	row("given up", "%d", s.GivenUp)
	row("pending", "%d, and %d queued", s.Pending, s.Queued)
	row("answer time", "p50 %.1f ms, p99 %.1f ms, longest %.1f ms", s.P50, s.P99, s.Max)
	row("longest gap", "%.1f s without a 200 while some instance was trying", s.LongestGap)
	return text.String()
}
