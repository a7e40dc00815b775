package metrics

import (
	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"
)

// Connection tells how a connection to NATS is. What it tells is known here, so that nobody is asked when it is collected.
func (s *Set) Connection(conn *nats.Conn) {
	if s == nil {
		return
	}
	labels := prometheus.Labels{"connection": conn.Opts.Name}
	s.registry.MustRegister(
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Namespace: namespace, Name: "nats_connected", Help: "1 while the connection to NATS stands, else 0.", ConstLabels: labels,
		}, func() float64 {
			if conn.IsConnected() {
				return 1
			}
			return 0
		}),
		prometheus.NewCounterFunc(prometheus.CounterOpts{
			Namespace: namespace, Name: "nats_reconnects_total", Help: "How often the connection to NATS was made again.", ConstLabels: labels,
		}, func() float64 { return float64(conn.Stats().Reconnects) }),
	)
}

// Store has what the streams hold and what groups have not processed. A nil Store is told nothing.
type Store struct {
	messages, bytes, maxBytes, unprocessed *prometheus.GaugeVec
}

// Store makes the metrics of the streams. Each worker has them, so that they are there as long as one runs: take the maximum.
func (s *Set) Store() *Store {
	if s == nil {
		return nil
	}
	return &Store{
		messages:    s.gauge("stream_messages", "Messages in a stream, at the last look.", "stream"),
		bytes:       s.gauge("stream_bytes", "Bytes in a stream, at the last look.", "stream"),
		maxBytes:    s.gauge("stream_max_bytes", "Bytes that a stream may hold, 0 for no bound.", "stream"),
		unprocessed: s.gauge("group_unprocessed_events", "Events that a group has not processed, at the last look; parked ones are not among them.", "group"),
	}
}

// Holds notes what a stream holds.
func (t *Store) Holds(stream string, messages, bytes uint64, maxBytes int64) {
	if t == nil {
		return
	}
	t.messages.WithLabelValues(stream).Set(float64(messages))
	t.bytes.WithLabelValues(stream).Set(float64(bytes))
	t.maxBytes.WithLabelValues(stream).Set(float64(max(maxBytes, 0)))
}

// Unprocessed notes what the groups have not processed. A group that is not among them is gone.
func (t *Store) Unprocessed(groups map[string]uint64) {
	if t == nil {
		return
	}
	t.unprocessed.Reset()
	for group, count := range groups {
		t.unprocessed.WithLabelValues(group).Set(float64(count))
	}
}
