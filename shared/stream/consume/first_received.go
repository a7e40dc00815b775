package consume

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/internal/wire"
)

// FirstReceivedAt returns when the notification was received whose event has a key, of all events that the server remembers the
// keys of: those of the duplicate window, also after a restart. The time is zero for an event that was erased since. It writes
// nothing. Errors: stream.ErrFull, stream.ErrUnavailable.
func (s *Client) FirstReceivedAt(ctx context.Context, event *notification.Event, key string) (at time.Time, found bool, err error) {
	ack, err := stream.UntilDisconnect(ctx, s.core, func(ctx context.Context) (*jetstream.PubAck, error) {
		return s.js.PublishMsg(ctx, wire.KeyProbe(event, key), jetstream.WithRetryAttempts(0))
	})
	switch {
	case stream.IsRollupRefused(err): // It was looked for among the keys before, and is none of them.
		return time.Time{}, false, nil
	case err != nil:
		return time.Time{}, false, fmt.Errorf("look for an event with key %s: %w", key, stream.Classify(err))
	case !ack.Duplicate:
		return time.Time{}, false, fmt.Errorf("look for an event with key %s: the server has stored the question as message %d", key, ack.Sequence)
	}
	opened, err := s.js.Stream(ctx, stream.Events)
	if err != nil {
		return time.Time{}, false, fmt.Errorf("open stream %s: %w", stream.Events, stream.Classify(err))
	}
	message, err := opened.GetMsg(ctx, ack.Sequence)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return time.Time{}, true, nil
	}
	if err != nil {
		return time.Time{}, false, fmt.Errorf("read event %d: %w", ack.Sequence, stream.Classify(err))
	}
	return wire.ReadTime(message.Header, wire.HeaderReceivedAt), true, nil
}
