package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// The outcomes of a notification at the intake.
const (
	OutcomeEvent     = "event"
	OutcomeDuplicate = "duplicate"
	OutcomeInvalid   = "invalid"
)

// The outcomes of a call of a handler: all but retried and parked end an event's way through the group. Poison was not called.
const (
	OutcomeDone      = "done"
	OutcomeNone      = "none"
	OutcomeRetried   = "retried"
	OutcomeParked    = "parked"
	OutcomeRefused   = "refused"
	OutcomeExhausted = "exhausted"
	OutcomePoison    = "poison"
)

// Intake counts what becomes of notifications. Its methods are safe for concurrent use, and a nil Intake counts nothing.
type Intake struct {
	notifications *prometheus.CounterVec
	unknown       *prometheus.CounterVec
	faulty        *prometheus.CounterVec
	sources       *bounded
}

// Intake makes the metrics of the intake of a worker.
func (s *Set) Intake() *Intake {
	if s == nil {
		return nil
	}
	return &Intake{
		notifications: s.counter("intake_notifications_total", "Notifications by what became of them: event, duplicate or invalid.", "source", "outcome"),
		unknown:       s.counter("intake_unknown_type_total", "Events of types that have no schema.", "source"),
		faulty:        s.counter("intake_faulty_events_total", "Events that differ from their schema and went to their handler all the same.", "source"),
		sources:       newBounded(nil),
	}
}

// Became notes what became of a notification.
func (i *Intake) Became(source, outcome string, newType, faulty bool) {
	if i == nil {
		return
	}
	source = i.sources.of(source)
	i.notifications.WithLabelValues(source, outcome).Inc()
	if newType {
		i.unknown.WithLabelValues(source).Inc()
	}
	if faulty {
		i.faulty.WithLabelValues(source).Inc()
	}
}

// Handling counts calls of handlers. Its methods are safe for concurrent use, and a nil Handling counts nothing.
type Handling struct {
	group    string
	events   *prometheus.CounterVec
	duration *prometheus.HistogramVec
	age      prometheus.Observer
	types    *bounded
}

// Handling makes the metrics of a group's handlers. Types are those that have one.
func (s *Set) Handling(group string, types []string) *Handling {
	if s == nil {
		return nil
	}
	h := &Handling{
		group:    group,
		events:   s.counter("handler_events_total", "Calls of handlers by what became of the event: done, none (no handler), retried, parked, refused, exhausted or poison.", "group", "type", "outcome"),
		duration: s.histogram("handler_duration_seconds", "Time of a call of a handler.", "group", "type"),
		age:      s.histogram("event_age_seconds", "Time from the receipt of a notification until its event was handled.", "group").WithLabelValues(group),
		types:    newBounded(types),
	}
	for _, kind := range types[:min(len(types), maxValues)] {
		h.events.WithLabelValues(group, kind, OutcomeDone)
		h.duration.WithLabelValues(group, kind)
	}
	return h
}

// Called notes a call of a handler and what became of its event. ReceivedAt is when the notification was received.
func (h *Handling) Called(kind, outcome string, took time.Duration, receivedAt time.Time) {
	if h == nil {
		return
	}
	kind = h.types.of(kind)
	h.events.WithLabelValues(h.group, kind, outcome).Inc()
	if outcome == OutcomeNone {
		return
	}
	h.duration.WithLabelValues(h.group, kind).Observe(took.Seconds())
	if outcome == OutcomeDone {
		h.age.Observe(time.Since(receivedAt).Seconds())
	}
}
