package stream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/shared/stream/internal/wire"
)

// ErrOvertaken says that another process has written since which chats are aside.
var ErrOvertaken = errors.New("another worker has written which chats are aside")

// Aside is a chat of which more waits than a worker holds. From a sequence on, its events are acknowledged for the group as
// they come, and read again from EVENTS when their turn comes. How far it is stands in POSITIONS, in a record for each partition
// that only the partition's owner writes.
type Aside struct {
	// ID is a hash of the chat.
	ID string `json:"id"`
	// Where is the subject that its events match.
	Where string `json:"where"`
	// From is the first event that is aside, Done up to which the group is done with them.
	From uint64 `json:"from"`
	Done uint64 `json:"done"`
	// Until is the last event that was aside, 0 as long as new ones come to them.
	Until uint64 `json:"until,omitempty"`
	// Waiting is how many are aside and not done, about.
	Waiting uint64 `json:"waiting,omitempty"`
}

// AsideRecord is what stands in POSITIONS about a partition.
type AsideRecord struct {
	Group string `json:"group"`
	// Born is when the partition's consumer was made. Another one hands out everything anew, so that nothing of it is aside.
	Born time.Time `json:"born"`
	// Writer is the process that wrote it.
	Writer string  `json:"writer"`
	Chats  []Aside `json:"chats"`
}

// LoadAsides returns what is aside of a partition of a group, with the revision of that, 0 where nothing was ever written. It asks
// the leader, and so sees what was saved before.
func (s *Client) LoadAsides(ctx context.Context, group, partition string) (record AsideRecord, revision uint64, err error) {
	message, err := s.AtLeader(ctx, Positions, Lookup{Sequence: 1, Subject: wire.AsideSubject(group, partition)})
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return AsideRecord{}, 0, nil
	}
	if err == nil {
		err = json.Unmarshal(message.Data, &record)
	}
	if err != nil {
		return AsideRecord{}, 0, fmt.Errorf("read what is aside of partition %q: %w", partition, Classify(err))
	}
	return record, message.Sequence, nil
}

// SaveAsides writes what is aside of a partition, unless another process has written that since the revision. It returns the new
// revision. Errors: ErrOvertaken, ErrUnavailable; after the latter it may have been written.
//
// The writer may have written it without having heard so. A record of its own is replaced whatever its revision is, and so is one
// that is gone.
func (s *Client) SaveAsides(ctx context.Context, partition string, record AsideRecord, revision uint64) (uint64, error) {
	for range 2 {
		message, err := wire.PositionMessage(wire.AsideSubject(record.Group, partition), record, revision)
		if err != nil {
			return 0, err
		}
		ack, err := s.Store(ctx, message)
		if err == nil {
			return ack.Sequence, nil
		}
		if !IsOvertaken(err) {
			return 0, fmt.Errorf("write what is aside of partition %q: %w", partition, err)
		}
		present, now, err := s.LoadAsides(ctx, record.Group, partition)
		if err != nil {
			return 0, err
		}
		if now > 0 && present.Writer != record.Writer {
			return 0, ErrOvertaken
		}
		revision = now
	}
	return 0, ErrOvertaken
}

// Source returns the source of the chat, as it is in subjects.
func (a *Aside) Source() string { return a.token(2) }

// Instance returns the instance of the chat, as it is in subjects.
func (a *Aside) Instance() string { return a.token(4) }

func (a *Aside) token(place int) string {
	tokens := strings.Split(a.Where, ".")
	if place >= len(tokens) {
		return ""
	}
	return tokens[place]
}
