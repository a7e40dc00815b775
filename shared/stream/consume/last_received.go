package consume

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/internal/wire"
)

// LastReceived returns when the newest notification of each source was stored, by the store's clock, for the sources
// that have one in the stream. It costs a request for each source and shard.
func (s *Client) LastReceived(ctx context.Context) (map[string]time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, stream.LookTimeout)
	defer cancel()
	opened, err := s.js.Stream(ctx, stream.Notifications)
	if err != nil {
		return nil, fmt.Errorf("open stream %s: %w", stream.Notifications, stream.Classify(err))
	}
	info, err := opened.Info(ctx, jetstream.WithSubjectFilter("in.>"))
	if err != nil {
		return nil, fmt.Errorf("look at stream %s: %w", stream.Notifications, stream.Classify(err))
	}
	last := map[string]time.Time{}
	for subject := range info.State.Subjects {
		message, err := opened.GetLastMsgForSubject(ctx, subject)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			continue // It was trimmed in between.
		}
		if err != nil {
			return nil, fmt.Errorf("read the newest of %q: %w", subject, stream.Classify(err))
		}
		source := wire.HeaderValue(message.Header, wire.HeaderSource)
		if message.Time.After(last[source]) {
			last[source] = message.Time
		}
	}
	return last, nil
}
