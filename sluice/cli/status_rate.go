package cli

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"sluice.internal/shared/stream/admin"
)

// backlogRate is how fast a backlog gets longer and shorter, in messages per second.
type backlogRate struct {
	in, out float64
	// known is false when there was no earlier reading to compare with.
	known bool
}

// rateOf compares two readings of a backlog. What came in is what its stream got in between; what went out is that, less
// the growth. Without a time in between, or in a stream that was made anew, there is no rate below zero.
func (s *state) rateOf(name, source string, now admin.Backlog) backlogRate {
	if s.before == nil {
		return backlogRate{}
	}
	before, found := backlogIn(s.before, name)
	seconds := s.At.Sub(s.before.At).Seconds()
	if !found || seconds <= 0 {
		return backlogRate{}
	}
	came := math.Max(0, lastOf(&s.Status, source)-lastOf(s.before, source))
	grown := float64(todo(now)) - float64(todo(before))
	return backlogRate{in: came / seconds, out: math.Max(0, came-grown) / seconds, known: true}
}

// todo is what is left to process, apart from what failed and is set aside.
func todo(b admin.Backlog) uint64 { return b.Waiting + b.UnderWay }

// intake is the name of the backlog of notifications.
const intake = "intake"

// backlogIn finds a backlog by its name. A group can be new since an earlier reading, and is not found in that.
func backlogIn(status *admin.Status, name string) (admin.Backlog, bool) {
	if name == intake {
		return status.Intake, true
	}
	i := slices.IndexFunc(status.Groups, func(group admin.Backlog) bool { return group.Name == name })
	if i < 0 {
		return admin.Backlog{}, false
	}
	return status.Groups[i], true
}

// lastOf is how many messages a stream ever got, 0 for one that is not there.
func lastOf(status *admin.Status, name string) float64 {
	for _, usage := range status.Streams {
		if usage.Name == name {
			return float64(usage.LastSequence)
		}
	}
	return 0
}

// lasts returns how many seconds a backlog of so many messages lasts at this rate. It never ends when it does not get shorter, unless it is
// no more than what is done within a second, as it is where workers keep up.
func (r backlogRate) lasts(count uint64) (seconds float64, ends bool) {
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

// cells are the rate in and out, and when a backlog will be empty, for people: empty cells where nothing is known, "never"
// for a backlog that does not get shorter.
func (r backlogRate) cells(count uint64) (in, out, empty string) {
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

// perSecond has a digit behind the point where a whole number would say little.
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

// age is how long before now something was, empty for the zero time.
func age(at, now time.Time) string {
	if at.IsZero() {
		return ""
	}
	return span(now.Sub(at))
}
