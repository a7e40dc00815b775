package rejection

import (
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"sluice.internal/shared/notification"
)

const (
	// reportInterval is how often what happened many times gets a line.
	reportInterval = time.Minute
	// spikeWindow is in how many minutes refusals are counted together.
	spikeWindow = 5
	// minSpike is how many of them there must be, and minRise how many times as many as usual, for an alert. A source that is
	// never refused anything has a usual count of nothing, so that the rise alone would make an alert of a single request.
	minSpike = 50
	minRise  = 5
	// usualMinutes is how many minutes make what is usual.
	usualMinutes = 60
)

// report tells the operator what was refused and why.
func (r *Recorder) report(refused Refused, cause, detail string) {
	if refused.Quiet {
		return
	}
	detail = r.redactor.hide(detail)
	attributes := []any{
		"code", refused.Code, "source", refused.Source, "cause", cause, "detail", Shorten(detail),
		"remote", clientText(refused.Client), "request_id", refused.RequestID,
	}
	r.sources[refused.Source].spike.note(cause, detail)
	if refused.Source == "" { // A path of a source may have its secret in it; one that is no source's shows what was meant.
		attributes = append(attributes, "path", Shorten(r.redactor.hide(refused.Path)))
	}
	r.lines.warn(refused.Code+" "+cause+" "+refused.Source, "request refused", attributes...)
}

// watch writes counts and looks for spikes each minute until it is stopped.
func (r *Recorder) watch(stopped <-chan struct{}) {
	ticker := time.NewTicker(reportInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			r.lines.flush()
			r.alertSpikes()
		case <-stopped:
			return
		}
	}
}

// alertSpikes ends a minute: it tells the operator where more of a source is refused than usual.
func (r *Recorder) alertSpikes() {
	for _, from := range r.settings.Sources {
		found := r.sources[from.Name].spike.tick()
		if found == "" {
			continue
		}
		alert := notification.Alert{
			Severity: notification.SeverityWarning, Title: "many requests of a source are refused",
			Detail: found, Source: from.Name, At: time.Now(),
		}
		if r.settings.Alert != nil {
			r.settings.Alert(alert)
			continue
		}
		r.log.Warn("alert: "+alert.Title, "severity", alert.Severity, "source", alert.Source, "detail", alert.Detail)
	}
}

// summaries keeps a flood out of the log: of what happens again and again the first is logged at once, and the
// others as a count every minute.
type summaries struct {
	log  *slog.Logger
	mu   sync.Mutex
	open map[string]*summary
}

// summary is what happened since the last line about it.
type summary struct {
	message string
	more    int
	last    []any
}

func newSummaries(log *slog.Logger) *summaries {
	return &summaries{log: log, open: map[string]*summary{}}
}

// warn logs or counts. There must be few keys, whatever clients send.
func (s *summaries) warn(key, message string, attributes ...any) {
	if s.count(key, message, attributes) {
		s.log.Warn(message, attributes...)
	}
}

// count reports whether it is the first.
func (s *summaries) count(key, message string, attributes []any) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	known, ok := s.open[key]
	if !ok {
		s.open[key] = &summary{message: message}
		return true
	}
	known.more++
	known.last = attributes
	return false
}

// flush writes the counts, with the last one as an example, and forgets what did not happen again.
func (s *summaries) flush() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, key := range slices.Sorted(maps.Keys(s.open)) {
		counted := s.open[key]
		if counted.more == 0 {
			delete(s.open, key)
			continue
		}
		s.log.Warn(counted.message+" again", append([]any{"times", counted.more}, counted.last...)...)
		counted.more, counted.last = 0, nil
	}
}

// spike counts what is refused of a source, to notice when it is more than usual.
type spike struct {
	mutex   sync.Mutex
	count   int
	minutes [spikeWindow]int
	minute  int
	usual   float64 // in a minute, before the window
	// cause and detail are those of the last one.
	cause, detail string
}

// add counts every refused request, also those that are not kept: a flood shows in what is only counted.
func (s *spike) add() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.count++
}

// note remembers why the last one was refused, for the alert. It comes after the diagnosis, and so later than add.
func (s *spike) note(cause, detail string) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.cause, s.detail = cause, detail
}

// tick ends a minute. It returns what to tell of the last few: nothing unless there was more than usual.
func (s *spike) tick() (found string) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	// What leaves the window becomes part of what is usual, so that a rise is not compared with itself.
	s.usual += (float64(s.minutes[s.minute]) - s.usual) / usualMinutes
	s.minutes[s.minute] = s.count
	s.minute, s.count = (s.minute+1)%spikeWindow, 0
	sum := 0
	for _, count := range s.minutes {
		sum += count
	}
	usual := s.usual * spikeWindow
	if sum < minSpike || float64(sum) < minRise*usual {
		return ""
	}
	return fmt.Sprintf("%d in %d minutes, usually %.0f. The last one: %s, %s. See `sluice rejections`.",
		sum, spikeWindow, usual, s.cause, s.detail)
}
