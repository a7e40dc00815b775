package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Gateway counts requests. Its methods are safe for concurrent use, and a nil Gateway counts nothing.
type Gateway struct {
	requests, refused *prometheus.CounterVec
	inFlight          prometheus.Gauge
	// sources are those that are configured, with what every accepted request needs, so that it is not looked up by labels.
	sources map[string]sourceMetrics
}

type sourceMetrics struct {
	stored   prometheus.Counter
	duration prometheus.Observer
	bytes    prometheus.Counter
}

// storedCode is how a notification that was stored is answered.
const storedCode = "stored"

// Gateway makes the metrics of a gateway with these sources.
func (s *Set) Gateway(sources []string) *Gateway {
	if s == nil {
		return nil
	}
	g := &Gateway{
		requests: s.counter("gateway_requests_total", "Requests by how they were answered; code is that of the answer, stored for a 200.", "source", "code"),
		refused:  s.counter("gateway_refused_total", "Refused requests by the cause under which they are kept.", "source", "cause"),
		sources:  map[string]sourceMetrics{},
	}
	duration := s.histogram("gateway_request_duration_seconds", "Time from the header of a request to the end of its answer.", "source")
	bytes := s.counter("gateway_stored_body_bytes_total", "Bytes of the bodies that were stored, unpacked.", "source")
	g.inFlight = s.gauge("gateway_requests_in_flight", "Requests that are not answered yet.").WithLabelValues()
	for _, source := range append(sources, none) {
		g.sources[source] = sourceMetrics{
			stored: g.requests.WithLabelValues(source, storedCode), duration: duration.WithLabelValues(source), bytes: bytes.WithLabelValues(source),
		}
	}
	return g
}

// Begin notes that a request has come.
func (g *Gateway) Begin() {
	if g != nil {
		g.inFlight.Inc()
	}
}

// End notes how a request was answered. Bytes is the size of the body that was stored, 0 for none.
func (g *Gateway) End(source, code string, took time.Duration, bytes int) {
	if g == nil {
		return
	}
	g.inFlight.Dec()
	if source == "" {
		source = none
	}
	of, known := g.sources[source]
	if !known { // It was not configured when the metrics were made.
		return
	}
	if code == storedCode {
		of.stored.Inc()
		of.bytes.Add(float64(bytes))
	} else {
		g.requests.WithLabelValues(source, code).Inc()
	}
	of.duration.Observe(took.Seconds())
}

// Refused notes why a request was refused, in one of the few words under which refusals are kept.
func (g *Gateway) Refused(source, cause string) {
	if g == nil || cause == "" {
		return
	}
	if source == "" {
		source = none
	}
	g.refused.WithLabelValues(source, cause).Inc()
}
