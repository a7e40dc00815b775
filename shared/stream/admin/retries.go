package admin

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/service"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/internal/wire"
)

const (
	// listBatch is how many messages one request for a work queue's messages asks for.
	listBatch = 256
	// behindPause is how long to wait for a server that is behind the leader, maxBehind how often.
	behindPause = 200 * time.Millisecond
	maxBehind   = 50
)

// Retries reads the events that wait for another attempt, those parked longest first. Query's Group, Source, Type
// and Instance are heeded. A work queue can't be read by a consumer without taking from it, so messages are asked
// for by their sequence.
func (s *Client) Retries(ctx context.Context, query Query) iter.Seq2[notification.Retry, error] {
	return func(yield func(notification.Retry, error) bool) {
		subjects := []string{"retry." + wild(query.Group) + ".>", "due." + wild(query.Group) + ".>"}
		for _, subject := range subjects {
			if !s.eachRetry(ctx, subject, query, yield) {
				return
			}
		}
	}
}

// eachRetry reads what has a subject, a batch at a time, and reports whether to go on with the next subject.
func (s *Client) eachRetry(
	ctx context.Context, subject string, query Query, yield func(notification.Retry, error) bool,
) (goOn bool) {
	behind := 0
	for next := uint64(1); ; {
		messages, err := jetstreamext.GetBatch(ctx, s.js, stream.Retries, listBatch,
			jetstreamext.GetBatchSubject(subject), jetstreamext.GetBatchSeq(next))
		if err != nil {
			return yield(notification.Retry{}, fmt.Errorf("read stream %s: %w", stream.Retries, err))
		}
		found := false
		for message, err := range messages {
			if errors.Is(err, jetstreamext.ErrNoMessages) {
				break
			}
			if err != nil {
				return yield(notification.Retry{}, fmt.Errorf("read stream %s: %w", stream.Retries, err))
			}
			found = true
			next = message.Sequence + 1
			retry := wire.ReadRetry(message.Header, message.Data, message.Sequence)
			if query.matches(retry.Source, retry.Type, retry.Instance) && !yield(retry, nil) {
				return false
			}
		}
		if found {
			continue
		}
		// Any server that has a copy has answered, which may not have heard of the newest.
		_, err = s.core.AtLeader(ctx, stream.Retries, stream.Lookup{Sequence: next, Subject: subject})
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			return true
		}
		if err == nil && behind < maxBehind {
			behind++
			err = service.Sleep(ctx, behindPause)
		} else if err == nil {
			err = stream.ErrUnavailable
		}
		if err != nil {
			return yield(notification.Retry{}, fmt.Errorf("read stream %s: %w", stream.Retries, err))
		}
	}
}
