package stream

import (
	"context"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// StoreBatch stores all messages or none.
type StoreBatch func(context.Context, []*nats.Msg) ([]*jetstream.PubAck, error)

// Batching makes notifications go in batches whenever two wait, and lets a test stand between the publisher and
// the server. It has to come before the first publish.
func (s *Streams) Batching(between func(store StoreBatch) StoreBatch) {
	s.publisher.many = between(s.publishBatch)
	s.publisher.cost = &costs{settled: leastBatch}
}

// BatchingEvents makes events go in batches whenever there are two.
func (s *Streams) BatchingEvents() { s.events = &costs{settled: leastBatch} }

// Pin is what the server knows the intake by while it has the shard.
func (in *Intake) Pin() string { return in.pin }
