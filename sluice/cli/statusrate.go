package cli

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"sluice.internal/shared/stream"
)

// rate is how fast a backlog gets longer and shorter, in messages per second.
type rate struct {
	in, out float64
	known   bool
}

// rateOf compares two looks at a backlog. In is what the stream that it reads got.
func (s *state) rateOf(name, source string, now stream.Backlog) rate {
	if s.before == nil {
		return rate{}
	}
	before, found := backlogIn(s.before, name)
	seconds := s.At.Sub(s.before.At).Seconds()
	if !found || seconds <= 0 {
		return rate{}
	}
	came := math.Max(0, lastOf(&s.Status, source)-lastOf(s.before, source))
	grown := float64(todo(now)) - float64(todo(before))
	return rate{in: came / seconds, out: math.Max(0, came-grown) / seconds, known: true}
}

func todo(b stream.Backlog) uint64 { return b.Waiting + b.UnderWay }

// intake is the name of the backlog of notifications.
const intake = "intake"

func backlogIn(status *stream.Status, name string) (stream.Backlog, bool) {
	if name == intake {
		return status.Intake, true
	}
	i := slices.IndexFunc(status.Groups, func(group stream.Backlog) bool { return group.Name == name })
	if i < 0 {
		return stream.Backlog{}, false
	}
	return status.Groups[i], true
}

func lastOf(status *stream.Status, name string) float64 {
	for _, usage := range status.Streams {
		if usage.Name == name {
			return float64(usage.LastSequence)
		}
	}
	return 0
}

// lasts returns how many seconds a backlog lasts at this rate. It never ends when it does not get shorter, unless it is
// no more than what is done within a second, as it is where workers keep up.
func (r rate) lasts(count uint64) (seconds float64, ends bool) {
	switch {
	case count == 0:
		return 0, true
	case float64(count) <= r.out:
		return float64(count) / r.out, true
	case r.out > r.in:
		return float64(count) / (r.out - r.in), true
	default:
		return 0, false
	}
}

// cells are the rate in and out, and when a backlog is empty, for people.
func (r rate) cells(count uint64) (in, out, empty string) {
	if !r.known {
		return "", "", ""
	}
	seconds, ends := r.lasts(count)
	switch {
	case count == 0:
	case !ends:
		empty = "never"
	default:
		empty = span(time.Duration(math.Min(seconds, math.MaxInt32) * float64(time.Second)))
	}
	return perSecond(r.in), perSecond(r.out), empty
}

func perSecond(value float64) string {
	if value > 0 && value < 10 {
		return strconv.FormatFloat(value, 'f', 1, 64)
	}
	return strconv.FormatFloat(value, 'f', 0, 64)
}

const day = 24 * time.Hour

// span is a duration for people, in its two largest units.
func span(d time.Duration) string {
	switch {
	case d < time.Second:
		return "<1s"
	case d < time.Minute:
		return fmt.Sprintf("%ds", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", d/time.Minute, d%time.Minute/time.Second)
	case d < 2*day:
		return fmt.Sprintf("%dh%02dm", d/time.Hour, d%time.Hour/time.Minute)
	default:
		return fmt.Sprintf("%dd%02dh", d/day, d%day/time.Hour)
	}
}

// age is how long ago something was at the time of a look, empty for the zero time.
func age(at, now time.Time) string {
	if at.IsZero() {
		return ""
	}
	return span(now.Sub(at))
}
