package stream

import (
	"context"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/shared/stream/internal/groupcommit"
)

// minTestBatch is the threshold from which tests use batches.
const minTestBatch = 4

// StoreBatch stores all messages or none.
type StoreBatch func(context.Context, []*nats.Msg) ([]*jetstream.PubAck, error)

// Batching makes notifications go in batches whenever four wait, and lets a test stand between the publisher and
// the server. It has to come before the first publish.
func (p *Publisher) Batching(between func(store StoreBatch) StoreBatch) {
	p.notifications = newGroupCommit(p.client.publishOnce, between(p.client.StoreBatch), groupcommit.Fixed(minTestBatch))
}
