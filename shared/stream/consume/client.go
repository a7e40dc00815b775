package consume

import (
	"context"
	"crypto/rand"
	"log/slog"

	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/internal/groupcommit"
)

// Client is what a worker may do: take notifications in, publish events, and be handed the events of its group. It is
// safe for concurrent use.
type Client struct {
	core          *stream.Client
	js            jetstream.JetStream
	log           *slog.Logger
	shards, lanes int
	events        *groupcommit.Costs // of publishing events
	process       string             // names this client in marks of suspects
}

// NewClient returns a worker's client of opened streams.
func NewClient(core *stream.Client) *Client {
	return &Client{
		core: core, js: core.JetStream(), log: core.Log(), shards: core.Shards(), lanes: core.Lanes(), events: core.NewCosts(),
		process: rand.Text(),
	}
}

// Shards returns into how many shards notifications are divided.
func (s *Client) Shards() int { return s.shards }

// Lanes returns into how many lanes events are divided.
func (s *Client) Lanes() int { return s.lanes }

// Restore is stream.Client's.
func (s *Client) Restore(ctx context.Context) error { return s.core.Restore(ctx) }

// PublishAlert is stream.Client's.
func (s *Client) PublishAlert(ctx context.Context, alert *notification.Alert) (first bool, err error) {
	return s.core.PublishAlert(ctx, alert)
}
