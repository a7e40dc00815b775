// Package metrics counts what a process does, for Prometheus to collect at /metrics of the admin listener.
//
//	metrics.go   the set of a process, and how it is served
//	gateway.go   requests: how they were answered, how long they took
//	worker.go    intake and handlers: what became of notifications and events
//	store.go     what the streams hold and how the connection to NATS is
//	bounded.go   values of labels that come from outside
//
// Labels are few, and never an instance, a chat, a key, an address or an error's text: each new value is a new series that is kept
// for ever. What a process does is counted from its start; all series that can be known exist from there on, with 0.
//
// A nil Set, and what it makes, counts nothing: tests and programs without an admin listener need none.
package metrics

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// namespace begins all names.
const namespace = "sluice"

// Set are the metrics of one process.
type Set struct{ registry *prometheus.Registry }

// New makes the set of a process with what every process has: its version, and what the runtime and the system say about it.
func New(version string) *Set {
	s := &Set{registry: prometheus.NewRegistry()}
	s.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	build := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Namespace: namespace, Name: "build_info", Help: "Always 1; the label has the version of the program.",
	}, []string{"version"})
	s.registry.MustRegister(build)
	build.WithLabelValues(version).Set(1)
	return s
}

// Registerer is where a program registers metrics of its own. It is nil for a nil Set.
func (s *Set) Registerer() prometheus.Registerer {
	if s == nil {
		return nil
	}
	return s.registry
}

// Handler serves the metrics. Nothing is looked up for it: what it takes is bounded by what was counted.
func (s *Set) Handler() http.Handler {
	return promhttp.HandlerFor(s.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4}) //nolint:mnd // A few scrapers.
}

// buckets are bounds in seconds, from a stored notification to a handler that takes its whole time.
func buckets() []float64 {
	return []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 180}
}

// seconds makes the options of a histogram of times, with classic buckets for everybody and native ones where they are collected.
func seconds(name, help string) prometheus.HistogramOpts {
	const factor, most = 1.1, 160
	return prometheus.HistogramOpts{
		Namespace: namespace, Name: name, Help: help, Buckets: buckets(),
		NativeHistogramBucketFactor: factor, NativeHistogramMaxBucketNumber: most,
	}
}

// counter makes and registers a counter with labels.
func (s *Set) counter(name, help string, labels ...string) *prometheus.CounterVec {
	vector := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, labels)
	s.registry.MustRegister(vector)
	return vector
}

// gauge makes and registers a gauge with labels.
func (s *Set) gauge(name, help string, labels ...string) *prometheus.GaugeVec {
	vector := prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: namespace, Name: name, Help: help}, labels)
	s.registry.MustRegister(vector)
	return vector
}

// histogram makes and registers a histogram of times with labels.
func (s *Set) histogram(name, help string, labels ...string) *prometheus.HistogramVec {
	vector := prometheus.NewHistogramVec(seconds(name, help), labels)
	s.registry.MustRegister(vector)
	return vector
}
