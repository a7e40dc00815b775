package stream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/shared/config"
)

// ErrNoStreams says that the server has none of Sluice's streams.
var ErrNoStreams = errors.New("there are no streams of Sluice on this server; has a gateway or worker been started with it?")

// Attach opens streams that are there, to read them and to do what operators do, and makes none.
func Attach(ctx context.Context, conn *nats.Conn) (*Client, error) {
	js, err := jetstream.New(conn)
	if err != nil {
		return nil, fmt.Errorf("open JetStream: %w", err)
	}
	// The zero value manages nothing and asks for no counts.
	client := newClient(js, config.Streams{}, slog.New(slog.DiscardHandler))
	if err := client.readCounts(ctx); err != nil {
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			return nil, ErrNoStreams
		}
		return nil, err
	}
	return client, nil
}

// OpenForBots returns streams that are only asked for events and for positions. It asks the server for nothing.
func OpenForBots(conn *nats.Conn, log *slog.Logger) (*Client, error) {
	js, err := jetstream.New(conn)
	if err != nil {
		return nil, fmt.Errorf("open JetStream: %w", err)
	}
	return newClient(js, config.Streams{}, log), nil
}
