package stream

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream/internal/groupcommit"
	"sluice.internal/shared/stream/internal/wire"
)

// Publisher is what a gateway may do: store notifications, rejections and alerts. It reads nothing. It is safe for
// concurrent use, and one serves a whole process: what its callers publish at the same time shares a sync.
type Publisher struct {
	client        *Client
	notifications *groupcommit.Publisher[*nats.Msg, *jetstream.PubAck]
}

// NewPublisher returns a publisher of the client's streams.
func NewPublisher(client *Client) *Publisher {
	return &Publisher{
		client:        client,
		notifications: newGroupCommit(client.publishOnce, client.StoreBatch, client.NewCosts()),
	}
}

// PublishNotification stores a raw notification and returns its receipt: the place in the stream. It tries
// again until the context's deadline, always with the same id. Errors: ErrFull, ErrUnavailable, ErrTooLarge.
func (p *Publisher) PublishNotification(ctx context.Context, n *notification.Notification) (receipt uint64, err error) {
	ack, err := p.notifications.Publish(ctx, wire.NotificationMessage(n, p.client.shards))
	if err != nil {
		return 0, fmt.Errorf("publish notification of %q: %w", n.Source, err)
	}
	return ack.Sequence, nil
}

// PublishAlert is Client.PublishAlert.
func (p *Publisher) PublishAlert(ctx context.Context, alert *notification.Alert) (first bool, err error) {
	return p.client.PublishAlert(ctx, alert)
}

// MaxBody returns the largest body, in bytes, that the server takes in a message with its headers.
func (p *Publisher) MaxBody() int64 { return p.client.MaxBody() }
