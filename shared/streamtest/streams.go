package streamtest

import (
	"context"

	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/admin"
	"sluice.internal/shared/stream/consume"
)

// Streams is opened streams with everything that anybody may do with them, as no product has it: a test plays the
// gateway, the worker and the operator.
type Streams struct {
	*stream.Client

	*publisher
	*worker
	*operator
}

type (
	publisher = stream.Publisher
	worker    = consume.Client
	operator  = admin.Client
)

// All returns everything that can be done with a client's streams.
func All(client *stream.Client) *Streams {
	return &Streams{
		Client: client, publisher: stream.NewPublisher(client), worker: consume.NewClient(client), operator: admin.NewClient(client),
	}
}

// Publisher returns what a gateway has.
func (s *Streams) Publisher() *stream.Publisher { return s.publisher }

// Worker returns what a worker has.
func (s *Streams) Worker() *consume.Client { return s.worker }

// Operator returns what an operator has.
func (s *Streams) Operator() *admin.Client { return s.operator }

// What more than one of them has is the client's.

// JetStream returns the connection's JetStream.
func (s *Streams) JetStream() jetstream.JetStream { return s.Client.JetStream() }

// Shards returns into how many shards notifications are divided.
func (s *Streams) Shards() int { return s.Client.Shards() }

// Lanes returns into how many lanes events are divided.
func (s *Streams) Lanes() int { return s.Client.Lanes() }

// MaxBody returns the largest body, in bytes, that the server takes.
func (s *Streams) MaxBody() int64 { return s.Client.MaxBody() }

// Former is stream.Client's.
func (s *Streams) Former(ctx context.Context) (stream.Former, error) { return s.Client.Former(ctx) }

// Restore makes missing streams anew.
func (s *Streams) Restore(ctx context.Context) error { return s.Client.Restore(ctx) }

// PublishAlert stores an alert.
func (s *Streams) PublishAlert(ctx context.Context, alert *notification.Alert) (first bool, err error) {
	return s.Client.PublishAlert(ctx, alert)
}
