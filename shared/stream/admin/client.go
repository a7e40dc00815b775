package admin

import (
	"context"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/shared/stream"
)

// Client is what an operator may do: look at everything, send what is dead through again, and remove. It publishes no
// notifications of its own. It is safe for concurrent use.
type Client struct {
	core          *stream.Client
	js            jetstream.JetStream
	shards, lanes int
}

// NewClient returns an operator's client of opened streams.
func NewClient(core *stream.Client) *Client {
	return &Client{core: core, js: core.JetStream(), shards: core.Shards(), lanes: core.Lanes()}
}

// Attach opens streams that are there and makes none. Errors: stream.ErrNoStreams.
func Attach(ctx context.Context, conn *nats.Conn) (*Client, error) {
	core, err := stream.Attach(ctx, conn)
	if err != nil {
		return nil, err
	}
	return NewClient(core), nil
}

// JetStream returns the connection's JetStream, for what has no method here.
func (s *Client) JetStream() jetstream.JetStream { return s.js }

// OpenStream is the Stream of stream.Client.
func (s *Client) OpenStream(ctx context.Context, name string) (jetstream.Stream, error) {
	return s.core.Stream(ctx, name)
}

// Repeat is stream.Repeat over this client's connection.
func (s *Client) Repeat(ctx context.Context, call func(context.Context) error) error {
	return stream.Repeat(ctx, s.core, call)
}

// Former is stream.Client's.
func (s *Client) Former(ctx context.Context) (stream.Former, error) { return s.core.Former(ctx) }

// LogKey returns the key by which logs hash ids of people, for service.Digest; see stream.Client.
func (s *Client) LogKey() []byte { return s.core.LogKey() }
