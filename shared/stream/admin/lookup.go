package admin

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/internal/wire"
)

// pendingHeader counts the messages behind the one that was asked for. Source: NATS ADR-31.
const pendingHeader = "Nats-Num-Pending"

// countTimeout is for millions of subjects on a busy server.
const countTimeout = 20 * time.Second

// firstFrom returns the first message of a subject from a sequence on, nil when there is none. Any server that has a copy
// answers, so that it may not know the newest.
func firstFrom(ctx context.Context, opened jetstream.Stream, subject string, from uint64) (*jetstream.RawStreamMsg, error) {
	ctx, cancel := context.WithTimeout(ctx, stream.LookTimeout)
	defer cancel()
	message, err := opened.GetMsg(ctx, max(from, 1), jetstream.WithGetMsgSubject(subject))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil, nil //nolint:nilnil // That is the answer.
	}
	if err != nil {
		return nil, fmt.Errorf("look for %q in stream %s: %w", subject, opened.CachedInfo().Config.Name, err)
	}
	return message, nil
}

// count returns how many messages of a subject there are. It costs the server a look at each subject, and sends one
// message.
func (s *Client) count(ctx context.Context, stream, subject string) (uint64, error) {
	return s.matching(ctx, stream, jetstreamext.GetBatchSubject(subject))
}

// countSince returns how many messages of all subjects were stored since a time.
func (s *Client) countSince(ctx context.Context, stream string, since time.Time) (uint64, error) {
	return s.matching(ctx, stream, jetstreamext.GetBatchSubject(">"), jetstreamext.GetBatchStartTime(since))
}

// matching asks for the first message of many, because the answer says how many follow.
func (s *Client) matching(ctx context.Context, stream string, which ...jetstreamext.GetBatchOpt) (count uint64, err error) {
	ctx, cancel := context.WithTimeout(ctx, countTimeout)
	defer cancel()
	answers, err := jetstreamext.GetBatch(ctx, s.js, stream, 1, which...)
	if err != nil {
		return 0, fmt.Errorf("count messages of stream %s: %w", stream, err)
	}
	for message, err := range answers {
		if errors.Is(err, jetstreamext.ErrNoMessages) {
			return 0, nil
		}
		if err != nil {
			return 0, fmt.Errorf("count messages of stream %s: %w", stream, err)
		}
		behind, err := strconv.ParseUint(wire.HeaderValue(message.Header, pendingHeader), 10, 64)
		if err != nil {
			return 0, fmt.Errorf("count messages of stream %s: %w", stream, err)
		}
		count = behind + 1
	}
	return count, nil
}
