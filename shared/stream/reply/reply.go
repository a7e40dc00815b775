// Package reply keeps which events were answered, so that an event that is handled again is not answered again. Each answer has
// one record, in the stream REPLIES, that is changed by compare-and-set: of two workers with the same event one is overtaken.
// Neither the chat nor the text is in it.
package reply

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/internal/wire"
)

// ErrOvertaken says that somebody else changed the record.
var ErrOvertaken = errors.New("somebody else has the answer in hand")

// ID says which answer of which event a record is about.
type ID struct {
	// Group is the group of workers that answers; each group has answers of its own.
	Group string
	// Key is that of the event, Number counts the answers of one event from 1.
	Key    string
	Number int
	// Round is that of a replay that shall answer again, empty otherwise.
	Round string
}

// Record is what became of an answer. The zero value is one that nobody has begun.
type Record struct {
	// BegunAt is when somebody was about to send it, zero when nobody is and it was not sent.
	BegunAt time.Time `json:"begun_at,omitzero"`
	// Digest is of what was about to be sent.
	Digest string `json:"digest,omitempty"`
	// SentAt is when it was known that it was sent, zero before; Message is the id that the sender of it gave.
	SentAt  time.Time `json:"sent_at,omitzero"`
	Message string    `json:"message,omitempty"`

	revision uint64 // the sequence of the record, 0 where there is none
}

// Client reads and changes records. It is safe for concurrent use.
type Client struct{ core *stream.Client }

// NewClient returns a client of opened streams.
func NewClient(core *stream.Client) *Client { return &Client{core} }

// Read returns the record of an answer as the leader has it. Errors: stream.ErrUnavailable.
func (c *Client) Read(ctx context.Context, id ID) (Record, error) {
	subject := wire.ReplySubject(id.Group, id.Key, id.Number, id.Round)
	message, err := c.core.AtLeader(ctx, stream.Replies, stream.Lookup{Subject: subject})
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return Record{}, nil
	}
	if err != nil {
		return Record{}, fmt.Errorf("read %q: %w", subject, stream.Classify(err))
	}
	var record Record
	_ = json.Unmarshal(message.Data, &record) // What another program wrote may be anything; it counts as nothing.
	record.revision = message.Sequence
	return record, nil
}

// Change changes a record from what was read, and returns it as it is then. The zero Record is right where nothing was read: it
// succeeds where there is none. It has been stored when Change returns. Errors: ErrOvertaken, stream.ErrUnavailable; after the
// latter it may have been changed.
func (c *Client) Change(ctx context.Context, id ID, from, to Record) (Record, error) {
	subject := wire.ReplySubject(id.Group, id.Key, id.Number, id.Round)
	message, err := wire.ReplyMessage(subject, to, from.revision)
	if err != nil {
		return Record{}, fmt.Errorf("write %q: %w", subject, err)
	}
	ack, err := c.core.Store(ctx, message)
	switch {
	case stream.IsOvertaken(err):
		return Record{}, ErrOvertaken
	case err != nil:
		return Record{}, fmt.Errorf("write %q: %w", subject, err)
	}
	to.revision = ack.Sequence
	return to, nil
}
