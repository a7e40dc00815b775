// Package position is how far bots are in the events: one record for each bot and instance, moved by compare-and-set and
// synced before anybody is told. Nothing is written per event and reader, so that pausing, replaying and what waits are
// questions to the position.
//
//	position.go   positions, and moving them
//	events.go     the next event behind a position, how many there are, and waiting for one
package position

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/internal/wire"
)

// ErrMoved says that the position was moved by somebody else.
var ErrMoved = errors.New("the position was moved by somebody else")

// Client reads events and moves positions. It is safe for concurrent use.
type Client struct {
	core *stream.Client
	conn *nats.Conn
}

// NewClient returns a client of opened streams.
func NewClient(core *stream.Client) *Client {
	return &Client{core: core, conn: core.JetStream().Conn()}
}

// Attach returns a client for a process that has nothing else to do with the streams: it asks for no stream but EVENTS, and
// leaves making them to others.
func Attach(conn *nats.Conn, log *slog.Logger) (*Client, error) {
	core, err := stream.OpenForBots(conn, log)
	if err != nil {
		return nil, err
	}
	return NewClient(core), nil
}

// PublishAlert is that of stream.Client.
func (c *Client) PublishAlert(ctx context.Context, alert *notification.Alert) (first bool, err error) {
	return c.core.PublishAlert(ctx, alert)
}

// Ready returns nil when events can be read, else the reason why not.
func (c *Client) Ready(ctx context.Context) error {
	_, err := c.End(ctx)
	return err
}

// Position is how far a bot is in the events of one instance.
type Position struct {
	// Sequence is that of the last event that is done with. The next one that is for the bot is the head of its queue.
	Sequence uint64 `json:"sequence"`
	// Deleted counts the events that the bot deleted, PassedOver those that were too old for it or were given up.
	Deleted    uint64 `json:"deleted"`
	PassedOver uint64 `json:"passed_over"`
	// MovedAt is when it was moved last, LateAt when events were passed over last because they were too old.
	MovedAt time.Time `json:"moved_at"`
	LateAt  time.Time `json:"late_at,omitzero"`

	// revision is the sequence of the record, 0 where there is none yet.
	revision uint64
}

// Read returns the position of a bot in the events of an instance. One that was never moved is where the bot began.
func (c *Client) Read(ctx context.Context, bot, instance string) (Position, error) {
	position, err := c.read(ctx, wire.PositionSubject(bot, instance))
	if err != nil || position.revision > 0 {
		return position, err
	}
	began, err := c.read(ctx, wire.PositionSubject(bot, ""))
	return Position{Sequence: began.Sequence, MovedAt: began.MovedAt}, err
}

// read asks the leader, so that it sees what was moved a moment ago.
func (c *Client) read(ctx context.Context, subject string) (Position, error) {
	ctx, cancel := context.WithTimeout(ctx, stream.LookTimeout)
	defer cancel()
	var answer struct {
		Error   *jetstream.APIError `json:"error"`
		Message struct {
			Sequence uint64 `json:"seq"`
			Data     []byte `json:"data"`
		} `json:"message"`
	}
	if err := c.ask(ctx, "STREAM.MSG.GET."+stream.Positions, map[string]string{"last_by_subj": subject}, &answer); err != nil {
		return Position{}, fmt.Errorf("read position %q: %w", subject, stream.Classify(err))
	}
	if answer.Error != nil {
		if answer.Error.ErrorCode == jetstream.JSErrCodeMessageNotFound {
			return Position{}, nil
		}
		return Position{}, fmt.Errorf("read position %q: %w", subject, stream.Classify(answer.Error))
	}
	var position Position
	if err := json.Unmarshal(answer.Message.Data, &position); err != nil {
		return Position{}, fmt.Errorf("read position %q: %w", subject, err)
	}
	position.revision = answer.Message.Sequence
	return position, nil
}

// Move moves a position from what was read to another sequence, and returns it as it is then. It has been stored when Move
// returns. Errors: ErrMoved, ErrUnavailable; after the latter it may have been moved.
func (c *Client) Move(ctx context.Context, bot, instance string, from, to Position) (Position, error) {
	return c.move(ctx, wire.PositionSubject(bot, instance), from, to)
}

func (c *Client) move(ctx context.Context, subject string, from, to Position) (Position, error) {
	to.MovedAt = time.Now().UTC()
	message, err := wire.PositionMessage(subject, to, from.revision)
	if err != nil {
		return Position{}, fmt.Errorf("write position %q: %w", subject, err)
	}
	ack, err := c.core.Store(ctx, message)
	switch {
	case stream.IsOvertaken(err):
		return Position{}, ErrMoved
	case err != nil:
		return Position{}, fmt.Errorf("write position %q: %w", subject, err)
	}
	to.revision = ack.Sequence
	return to, nil
}

// Begin notes where a bot begins that is new: behind all events that there are. One that began before goes on.
func (c *Client) Begin(ctx context.Context, bot string) error {
	subject := wire.PositionSubject(bot, "")
	present, err := c.read(ctx, subject)
	if err != nil || present.revision > 0 {
		return err
	}
	last, err := c.End(ctx)
	if err != nil {
		return err
	}
	if _, err = c.move(ctx, subject, present, Position{Sequence: last}); errors.Is(err, ErrMoved) {
		return nil // Another process did it.
	}
	return err
}

// ask sends a request to the API of JetStream.
func (c *Client) ask(ctx context.Context, subject string, request, answer any) error {
	body, err := json.Marshal(request)
	if err != nil {
		return err
	}
	reply, err := c.conn.RequestWithContext(ctx, jetstream.DefaultAPIPrefix+subject, body)
	if err != nil {
		return err
	}
	return json.Unmarshal(reply.Data, answer)
}
