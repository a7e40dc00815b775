package stream

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"sluice.internal/shared/notification"
)

func (r *Room) alert(before, after roomState) (alert notification.Alert, tell bool) {
	alert = notification.Alert{Severity: notification.SeverityWarning, At: r.At}
	switch {
	case before == after, before == eased && after == roomy:
		return alert, false
	case after == full:
		alert.Severity = notification.SeverityCritical
		alert.Title = "stream " + r.Name + " is full"
		alert.Detail = join(r.used(), r.consequence(true), r.waiting(), r.advice())
	case after == filling:
		alert.Title = "stream " + r.Name + " is filling up"
		alert.Detail = join(r.used(), r.consequence(false), r.waiting(), r.advice())
	default:
		alert.Title = "stream " + r.Name + " has room again"
		alert.Detail = join(r.used(), r.waiting())
	}
	return alert, true
}

func join(sentences ...string) string {
	return strings.Join(slices.DeleteFunc(sentences, func(s string) bool { return s == "" }), " ")
}

func (r *Room) used() string {
	return fmt.Sprintf("It has used %.0f %% of its %s.", 100*r.Share, inUnits(r.MaxBytes))
}

func inUnits(bytes int64) string {
	switch {
	case bytes >= gib:
		return fmt.Sprintf("%.1f GiB", float64(bytes)/float64(gib))
	case bytes >= mib:
		return fmt.Sprintf("%.1f MiB", float64(bytes)/float64(mib))
	default:
		return fmt.Sprintf("%.1f KiB", float64(bytes)/float64(kib))
	}
}

// consequence says what happens without room.
func (r *Room) consequence(now bool) string {
	effect := map[string]string{
		Notifications: "senders are answered 503 for what does not fit",
		Events:        "no events are made of new notifications, which wait in " + Notifications,
		Retries:       "lanes wait whose handlers fail, instead of setting events aside",
		DeadLetters:   "the oldest dead letters are dropped for new ones",
	}[r.Name]
	if now {
		return strings.ToUpper(effect[:1]) + effect[1:] + "."
	}
	return "When it is full, " + effect + "."
}

// mostBacklogs is how many backlogs are told one by one.
const mostBacklogs = 3

// waiting says what is not processed yet and by whom.
func (r *Room) waiting() string {
	if r.Name == DeadLetters || r.Name == Retries {
		return ""
	}
	if len(r.Backlogs) == 0 {
		return "Everything in it is processed; what is gets taken out earlier than it was to be kept."
	}
	largest := slices.SortedFunc(slices.Values(r.Backlogs), func(a, b Backlog) int {
		return cmp.Compare(b.todo(), a.todo())
	})
	var parts []string
	for _, b := range largest[:min(len(largest), mostBacklogs)] {
		who := "the intake"
		if r.Name == Events {
			who = fmt.Sprintf("group %q", b.Name)
		}
		part := fmt.Sprintf("%d wait for %s", b.todo(), who)
		if b.Workers == 0 {
			part += ", which no worker serves at the moment"
		}
		parts = append(parts, part)
	}
	if more := len(largest) - mostBacklogs; more > 0 {
		parts = append(parts, fmt.Sprintf("and %d more groups are behind", more))
	}
	return "Not processed: " + strings.Join(parts, "; ") + "."
}

// advice says what can be done.
func (r *Room) advice() string {
	knob := "give it more room with streams." + strings.ToLower(r.Name) + ".max_bytes."
	switch {
	case r.Name == DeadLetters:
		return "Send what is in it through again, or " + knob
	case r.Name == Retries:
		return "See why so many handlers fail, or " + knob
	case len(r.Backlogs) == 0:
		return "To keep them longer, " + knob
	case r.Name == Events:
		return "Start workers of these groups, remove a group that nobody needs, or " + knob
	default:
		return "Start workers, see whether " + Events + " is full, or " + knob
	}
}
