package retention

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/admin"
)

// alert returns what to tell about a change of state: how full the stream is, what follows from that, who is behind, and
// what can be done. Tell is false where there is nothing new to say.
func (c *Capacity) alert(before, after state) (alert notification.Alert, tell bool) {
	alert = notification.Alert{Severity: notification.SeverityWarning, At: c.At}
	switch {
	case before == after, before == stateRecovering && after == stateOK:
		return alert, false
	case after == stateFull:
		alert.Severity = notification.SeverityCritical
		alert.Title = "stream " + c.Name + " is full"
		alert.Detail = join(c.used(), c.consequence(true), c.waiting(), c.advice())
	case after == stateHigh:
		alert.Title = "stream " + c.Name + " is filling up"
		alert.Detail = join(c.used(), c.consequence(false), c.waiting(), c.advice())
	default:
		alert.Title = "stream " + c.Name + " has capacity again"
		alert.Detail = join(c.used(), c.waiting())
	}
	return alert, true
}

func join(sentences ...string) string {
	return strings.Join(slices.DeleteFunc(sentences, func(s string) bool { return s == "" }), " ")
}

func (c *Capacity) used() string {
	return fmt.Sprintf("It has used %.0f %% of its %s.", 100*c.Share, inUnits(c.MaxBytes))
}

const (
	kibibyte = int64(1) << 10
	mebibyte = kibibyte << 10
	gibibyte = mebibyte << 10
)

func inUnits(bytes int64) string {
	switch {
	case bytes >= gibibyte:
		return fmt.Sprintf("%.1f GiB", float64(bytes)/float64(gibibyte))
	case bytes >= mebibyte:
		return fmt.Sprintf("%.1f MiB", float64(bytes)/float64(mebibyte))
	default:
		return fmt.Sprintf("%.1f KiB", float64(bytes)/float64(kibibyte))
	}
}

// consequence says what happens without capacity.
func (c *Capacity) consequence(now bool) string {
	effect := map[string]string{
		stream.Notifications: "senders are answered 503 for what does not fit",
		stream.Events:        "no events are made of new notifications, which wait in " + stream.Notifications,
		stream.Retries:       "lanes wait whose handlers fail, instead of setting events aside",
		stream.DeadLetters:   "the oldest dead letters are dropped for new ones",
	}[c.Name]
	if now {
		return strings.ToUpper(effect[:1]) + effect[1:] + "."
	}
	return "When it is full, " + effect + "."
}

// maxBacklogs is how many backlogs are told one by one.
const maxBacklogs = 3

// waiting says what is not processed yet and by whom.
func (c *Capacity) waiting() string {
	if c.Name == stream.DeadLetters || c.Name == stream.Retries {
		return ""
	}
	if len(c.Backlogs) == 0 {
		return "Everything in it is processed; what is gets taken out earlier than it was to be kept."
	}
	largest := slices.SortedFunc(slices.Values(c.Backlogs), func(a, b admin.Backlog) int {
		return cmp.Compare(b.Unprocessed(), a.Unprocessed())
	})
	var parts []string
	for _, b := range largest[:min(len(largest), maxBacklogs)] {
		who := "the intake"
		if c.Name == stream.Events {
			who = fmt.Sprintf("group %q", b.Name)
		}
		part := fmt.Sprintf("%d wait for %s", b.Unprocessed(), who)
		if b.Workers == 0 {
			part += ", which no worker serves at the moment"
		}
		parts = append(parts, part)
	}
	if more := len(largest) - maxBacklogs; more > 0 {
		parts = append(parts, fmt.Sprintf("and %d more groups are behind", more))
	}
	return "Not processed: " + strings.Join(parts, "; ") + "."
}

// advice says what can be done.
func (c *Capacity) advice() string {
	enlarge := "give it more capacity with streams." + strings.ToLower(c.Name) + ".max_bytes."
	switch {
	case c.Name == stream.DeadLetters:
		return "Send what is in it through again, or " + enlarge
	case c.Name == stream.Retries:
		return "See why so many handlers fail, or " + enlarge
	case len(c.Backlogs) == 0:
		return "To keep them longer, " + enlarge
	case c.Name == stream.Events:
		return "Start workers of these groups, remove a group that nobody needs, or " + enlarge
	default:
		return "Start workers, see whether " + stream.Events + " is full, or " + enlarge
	}
}
