package intake

import (
	"context"
	"fmt"
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/service"
)

const (
	// silenceTick is how often sources are looked at.
	silenceTick = time.Minute
	// minSeen is how many looks must have found something new before a source is known to send at all.
	minSeen = 20
	// minSilence is the shortest silence that is told, and silenceFactor how many times as long as usual it must be.
	minSilence    = time.Hour
	silenceFactor = 3
	// usualSpan is for how long a silence counts as usual, at least: a week has its nights and its Sunday.
	usualSpan = 7 * 24 * time.Hour
)

// silence is how a source sends, as far as this worker has seen: what is usual is learned anew after a start.
type silence struct {
	last time.Time // when something came from it last
	seen int
	// longest is the longest silence of this span, before that of the span before.
	longest, before time.Duration
	span            time.Time // when this span began
	alerted         bool
}

// observe notes when something came last and reports whether the source has just become far more silent than usual.
func (s *silence) observe(last, now time.Time) bool {
	if now.Sub(s.span) > usualSpan {
		s.before, s.longest, s.span = s.longest, 0, now
	}
	if last.After(s.last) {
		if !s.last.IsZero() {
			s.longest = max(s.longest, last.Sub(s.last))
		}
		s.last, s.alerted = last, false
		s.seen++
		return false
	}
	if s.alerted || s.seen < minSeen || now.Sub(s.last) < max(minSilence, silenceFactor*s.usual()) {
		return false
	}
	s.alerted = true
	return true
}

// usual is the longest silence of late.
func (s *silence) usual() time.Duration { return max(s.longest, s.before) }

// silences are the sources by name.
type silences map[string]*silence

// observe returns an alert for each source that has fallen silent.
func (s silences) observe(last map[string]time.Time, now time.Time) []notification.Alert {
	for source := range last {
		if s[source] == nil {
			s[source] = &silence{span: now}
		}
	}
	var alerts []notification.Alert
	for source, known := range s {
		if known.observe(last[source], now) {
			alerts = append(alerts, notification.Alert{
				Severity: notification.SeverityWarning, Title: "a source has fallen silent", Source: source, At: now,
				Detail: fmt.Sprintf("Nothing has come from it for %s; the longest silence of late was %s. "+
					"See whether its sender still has the right URL, and `sluice rejections --source %s`.",
					now.Sub(known.last).Round(time.Minute), known.usual().Round(time.Second), source),
			})
		}
	}
	return alerts
}

// runSilences alerts the operator when a source that used to send does so no more. Each worker looks by itself; the
// store folds what several of them say.
func (r *Runner) runSilences(ctx context.Context) {
	known := silences{}
	for ctx.Err() == nil {
		last, err := r.Streams.LastReceived(ctx)
		if err == nil { // The intake reports a store that is in trouble.
			for _, alert := range known.observe(last, time.Now()) {
				r.Alerts.Notify(alert)
			}
		}
		_ = service.Sleep(ctx, silenceTick)
	}
}
