package worker

import (
	"context"
	"fmt"
	"time"

	"sluice.internal/shared/notification"
)

const (
	// silenceTick is how often sources are looked at.
	silenceTick = time.Minute
	// leastSeen is how many looks must have found something new before a source is known to send at all.
	leastSeen = 20
	// leastSilence is the shortest silence that is told, and farLonger how many times as long as usual it must be.
	leastSilence = time.Hour
	farLonger    = 3
	// usualSpan is for how long a silence counts as usual, at least: a week has its nights and its Sunday.
	usualSpan = 7 * 24 * time.Hour
)

// silence is what is known of how a source sends.
type silence struct {
	last time.Time // when something came from it last
	seen int
	// longest is the longest silence of this span, before that of the span before.
	longest, before time.Duration
	span            time.Time // when this span began
	told            bool
}

// look notes when something came last and tells whether the source has just become far more silent than usual.
func (s *silence) look(last, now time.Time) bool {
	if now.Sub(s.span) > usualSpan {
		s.before, s.longest, s.span = s.longest, 0, now
	}
	if last.After(s.last) {
		if !s.last.IsZero() {
			s.longest = max(s.longest, last.Sub(s.last))
		}
		s.last, s.told = last, false
		s.seen++
		return false
	}
	if s.told || s.seen < leastSeen || now.Sub(s.last) < max(leastSilence, farLonger*s.usual()) {
		return false
	}
	s.told = true
	return true
}

// usual is the longest silence of late.
func (s *silence) usual() time.Duration { return max(s.longest, s.before) }

// silences are the sources by name.
type silences map[string]*silence

// look returns an alert for each source that has fallen silent.
func (s silences) look(last map[string]time.Time, now time.Time) []notification.Alert {
	for source := range last {
		if s[source] == nil {
			s[source] = &silence{span: now}
		}
	}
	var alerts []notification.Alert
	for source, known := range s {
		if known.look(last[source], now) {
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

// runSilences tells the operator when a source that used to send does so no more.
func (w *Worker) runSilences(ctx context.Context) {
	known := silences{}
	for ctx.Err() == nil {
		last, err := w.streams.LastReceived(ctx)
		if err == nil { // Otherwise others tell that the store is in trouble.
			for _, alert := range known.look(last, time.Now()) {
				w.alerts.send(ctx, alert)
			}
		}
		pause(ctx, silenceTick)
	}
}
