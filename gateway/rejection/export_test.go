package rejection

import (
	"net/http"

	"sluice.internal/shared/source"
)

// Redact makes what is kept of a request's header.
func Redact(request *http.Request, sources []*source.Configured) map[string][]string {
	return newRedactor(sources).header(request, sources[0])
}

// Spike counts refusals, whose minutes a test ends.
type Spike struct{ counted spike }

// Add counts one.
func (s *Spike) Add() { s.counted.add() }

// Note says why the last one was refused.
func (s *Spike) Note(cause, detail string) { s.counted.note(cause, detail) }

// Tick ends a minute.
func (s *Spike) Tick() string { return s.counted.tick() }

// AlertSpikes ends a minute for all sources.
func (r *Recorder) AlertSpikes() { r.alertSpikes() }
