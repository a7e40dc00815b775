package gateway

import (
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"
)

// summaryInterval is how often what happened many times gets a line.
const summaryInterval = time.Minute

// summaries keeps a flood out of the log: of what happens again and again the first is logged at once, and the
// others as a count every minute.
type summaries struct {
	log  *slog.Logger
	mu   sync.Mutex
	open map[string]*summary
}

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

// count tells whether it is the first.
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

// run writes the counts until it is stopped.
func (s *summaries) run(stopped <-chan struct{}) {
	ticker := time.NewTicker(summaryInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			s.flush()
		case <-stopped:
			return
		}
	}
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

// logRefusal tells the operator who was refused and why. Failures of the store and panics have their own lines.
func (g *Gateway) logRefusal(v *visit, rule ruling, cause, detail string) {
	if errors.Is(rule.is, errPanic) || rule.status == http.StatusServiceUnavailable && rule.retryAfter > 0 || errors.Is(rule.is, errNotReady) && g.stopping.Load() {
		return
	}
	if v.from != nil {
		v.from.refused.note(cause, g.secrets.hide(detail))
	}
	attributes := []any{
		"code", rule.code, "source", v.source(), "cause", cause, "detail", shorten(g.secrets.hide(detail)),
		"remote", v.remote(), "request_id", v.id,
	}
	if v.from == nil {
		attributes = append(attributes, "path", shorten(g.secrets.hide(v.request.URL.Path)))
	}
	g.summaries.warn(rule.code+" "+cause+" "+v.source(), "request refused", attributes...)
}
