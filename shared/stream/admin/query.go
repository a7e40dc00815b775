package admin

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/internal/wire"
)

// Query says which messages of a stream to read. Zero values mean: all.
type Query struct {
	// Source, Type, Instance, Reason, Cause and Group must be equal where they are set.
	Source, Type, Instance, Reason, Cause, Group string
	// Error must be contained in the error of a dead letter.
	Error string
	// Since leaves out what was stored before, Until what was stored after, by the store's clock.
	Since, Until time.Time
	// From leaves out what has a lower sequence, New all that is there already.
	From uint64
	New  bool
	// Limit keeps only the newest so many.
	Limit int
	// Follow goes on with what is stored from now on until the context ends.
	Follow bool
}

// Notifications reads raw notifications, oldest first. Type and instance are what the gateway found.
func (s *Client) Notifications(ctx context.Context, query Query) iter.Seq2[notification.Notification, error] {
	return func(yield func(notification.Notification, error) bool) {
		former, err := s.core.Former(ctx)
		if err != nil {
			yield(notification.Notification{}, err)
			return
		}
		read(ctx, s, stream.Notifications, "in.*."+wild(query.Source), query, func(m *message) (notification.Notification, bool) {
			n := wire.ReadNotification(m.Headers(), m.Data(), m.sequence)
			n.Shard, n.StoredAt = wire.NumberInSubject(m.Subject()), m.stored
			n.Former = former.Has(n.Shard, n.Sequence)
			return n, query.matches(n.Source, n.Type, n.Instance)
		})(yield)
	}
}

// Events reads events, oldest first.
func (s *Client) Events(ctx context.Context, query Query) iter.Seq2[notification.Event, error] {
	subject := fmt.Sprintf("events.*.%s.%s.%s", wild(query.Source), wild(query.Type), wild(query.Instance))
	return read(ctx, s, stream.Events, subject, query, func(m *message) (notification.Event, bool) {
		event := wire.ReadEvent(m.Subject(), m.Headers(), m.Data(), m.sequence)
		event.StoredAt = m.stored
		return event, query.matches(event.Source, event.Type, event.Instance)
	})
}

// ErrNoEvent says that there is no event with a sequence, or none any more.
var ErrNoEvent = errors.New("there is no such event")

// Event reads one event. Errors: ErrNoEvent, ErrUnavailable.
func (s *Client) Event(ctx context.Context, sequence uint64) (notification.Event, error) {
	message, err := s.get(ctx, stream.Events, sequence, ErrNoEvent)
	if err != nil {
		return notification.Event{}, err
	}
	event := wire.ReadEvent(message.Subject, message.Header, message.Data, sequence)
	event.StoredAt = message.Time
	return event, nil
}

// DeadLetters reads dead letters, oldest first.
func (s *Client) DeadLetters(ctx context.Context, query Query) iter.Seq2[notification.DeadLetter, error] {
	subject := fmt.Sprintf("dead.%s.%s.%s.%s", wild(query.Reason), wild(query.Source), wild(query.Type), wild(query.Group))
	return read(ctx, s, stream.DeadLetters, subject, query, func(m *message) (notification.DeadLetter, bool) {
		letter := wire.ReadDeadLetter(m.Headers(), m.Data(), m.sequence)
		return letter, query.matches(letter.Source, letter.Type, letter.Instance) &&
			(query.Group == "" || query.Group == letter.Group) && strings.Contains(letter.Error, query.Error)
	})
}

// Rejections reads refused requests, oldest first.
func (s *Client) Rejections(ctx context.Context, query Query) iter.Seq2[notification.Rejection, error] {
	return read(ctx, s, stream.Rejections, "rejected.>", query, func(m *message) (notification.Rejection, bool) {
		rejection := wire.ReadRejection(m.Headers(), m.Data(), m.sequence)
		return rejection, (query.Source == "" || query.Source == rejection.Source) &&
			(query.Cause == "" || query.Cause == rejection.Cause)
	})
}

// Operations reads what operators did, oldest first.
func (s *Client) Operations(ctx context.Context, query Query) iter.Seq2[notification.Operation, error] {
	return read(ctx, s, stream.Operations, "operation.>", query, func(m *message) (notification.Operation, bool) {
		operation := wire.ReadOperation(m.Data(), m.sequence)
		return operation, query.Group == "" || query.Group == operation.Group
	})
}

// wild is the token of a value in a filter of subjects; any token where there is no value.
func wild(value string) string {
	if value == "" {
		return "*"
	}
	return wire.Token(value)
}

// matches compares the values themselves, since a token may stand for several: what subjects do not take is replaced, and
// long values are cut.
func (q Query) matches(source, kind, instance string) bool {
	return (q.Source == "" || q.Source == source) && (q.Type == "" || q.Type == kind) &&
		(q.Instance == "" || q.Instance == instance)
}

// message is what was read of a stream, with its place and the time at which it was stored, by the server's clock.
type message struct {
	jetstream.Msg
	sequence uint64
	stored   time.Time
}

// read goes through a stream's messages that match. With a limit it begins near the end, and farther back
// until enough match, so that a look at the newest of millions does not read millions.
func read[T any](ctx context.Context, s *Client, name, subject string, query Query,
	decode func(*message) (T, bool),
) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		reader := &reader{streams: s, stream: name, subject: subject, query: query}
		kept, next, err := newest(ctx, reader, decode)
		for _, value := range kept {
			if !yield(value, nil) {
				return
			}
		}
		if err == nil {
			err = reader.each(ctx, next, query.Follow, func(m *message) bool {
				value, matches := decode(m)
				return !matches || yield(value, nil)
			})
		}
		// Whoever cancels wants no more. A listing that the time cut short must not look like all there is.
		cutShort := !query.Follow && errors.Is(ctx.Err(), context.DeadlineExceeded)
		if err != nil && (ctx.Err() == nil || cutShort) {
			var none T
			yield(none, err)
		}
	}
}

// newest returns the last messages that match, as many as the query's limit, and the sequence behind them.
// Without a limit it returns none and the query's beginning.
func newest[T any](ctx context.Context, r *reader, decode func(*message) (T, bool)) (kept []T, next uint64, err error) {
	first, last, err := r.bounds(ctx)
	r.last = last
	if err != nil || r.query.Limit <= 0 {
		return nil, first, err
	}
	// The span grows by eight, so that a rare match behind many others costs at most a seventh more reading than the last
	// span. The ring keeps no more than the limit of what was found.
	limit := uint64(r.query.Limit)
	for span := 2 * limit; ; span *= 8 {
		start := first
		if last >= span && last-span+1 > first {
			start = last - span + 1
		}
		found := ring[T]{limit: r.query.Limit}
		next = last + 1
		err = r.each(ctx, start, false, func(m *message) bool {
			if value, matches := decode(m); matches {
				found.add(value)
			}
			next = max(next, m.sequence+1)
			return true
		})
		if kept = found.all(); err != nil || uint64(len(kept)) >= limit || start == first {
			if !r.query.Follow {
				next = 0
			}
			return kept, next, err
		}
	}
}
