package consume

import (
	"context"

	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/shared/stream"
)

// openConsumer makes a consumer or brings it to its configuration.
func (s *Client) openConsumer(ctx context.Context, name string, config jetstream.ConsumerConfig) (jetstream.Consumer, error) {
	return stream.RetryUntilLeader(ctx, s.core, func(ctx context.Context) (jetstream.Consumer, error) {
		return s.js.CreateOrUpdateConsumer(ctx, name, config)
	})
}
