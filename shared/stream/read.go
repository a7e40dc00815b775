package stream

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/shared/notification"
)

// ErrNoStreams says that the server has none of Sluice's streams.
var ErrNoStreams = errors.New("there are no streams of Sluice on this server; has a gateway or worker been started with it?")

// Attach opens streams that are there, to read them and to do what operators do, and makes none.
func Attach(ctx context.Context, conn *nats.Conn) (*Streams, error) {
	js, err := jetstream.New(conn)
	if err != nil {
		return nil, fmt.Errorf("open JetStream: %w", err)
	}
	streams := &Streams{
		js: js, log: slog.New(slog.DiscardHandler), link: watch(conn), settings: Settings{Unmanaged: true},
	}
	if err := streams.readCounts(ctx, Settings{}); err != nil {
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			return nil, ErrNoStreams
		}
		return nil, err
	}
	return streams, nil
}

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
func (s *Streams) Notifications(ctx context.Context, query Query) iter.Seq2[notification.Notification, error] {
	return read(ctx, s, Notifications, "in.*."+wild(query.Source), query, func(m *message) (notification.Notification, bool) {
		n := readNotification(m.Headers(), m.Data(), m.sequence)
		n.Shard, n.StoredAt = numberInSubject(m.Subject()), m.stored
		return n, query.matches(n.Source, n.Type, n.Instance)
	})
}

// Events reads events, oldest first.
func (s *Streams) Events(ctx context.Context, query Query) iter.Seq2[notification.Event, error] {
	subject := fmt.Sprintf("events.*.%s.%s.%s", wild(query.Source), wild(query.Type), wild(query.Instance))
	return read(ctx, s, Events, subject, query, func(m *message) (notification.Event, bool) {
		event := readEvent(m.Subject(), m.Headers(), m.Data(), m.sequence)
		event.StoredAt = m.stored
		return event, query.matches(event.Source, event.Type, event.Instance)
	})
}

// DeadLetters reads dead letters, oldest first.
func (s *Streams) DeadLetters(ctx context.Context, query Query) iter.Seq2[notification.DeadLetter, error] {
	subject := fmt.Sprintf("dead.%s.%s.%s.%s", wild(query.Reason), wild(query.Source), wild(query.Type), wild(query.Group))
	return read(ctx, s, DeadLetters, subject, query, func(m *message) (notification.DeadLetter, bool) {
		letter := readDeadLetter(m.Headers(), m.Data(), m.sequence)
		return letter, query.matches(letter.Source, letter.Type, letter.Instance) &&
			(query.Group == "" || query.Group == letter.Group) && strings.Contains(letter.Error, query.Error)
	})
}

// Rejections reads refused requests, oldest first.
func (s *Streams) Rejections(ctx context.Context, query Query) iter.Seq2[notification.Rejection, error] {
	return read(ctx, s, Rejections, "rejected.>", query, func(m *message) (notification.Rejection, bool) {
		rejection := readRejection(m.Headers(), m.Data(), m.sequence)
		return rejection, (query.Source == "" || query.Source == rejection.Source) &&
			(query.Cause == "" || query.Cause == rejection.Cause)
	})
}

// Operations reads what operators did, oldest first.
func (s *Streams) Operations(ctx context.Context, query Query) iter.Seq2[notification.Operation, error] {
	return read(ctx, s, Operations, "operation.>", query, func(m *message) (notification.Operation, bool) {
		operation := readOperation(m.Data(), m.sequence)
		return operation, query.Group == "" || query.Group == operation.Group
	})
}

// wild is the token of a value in a filter.
func wild(value string) string {
	if value == "" {
		return "*"
	}
	return Token(value)
}

// matches compares the values themselves, since a token may stand for several.
func (q Query) matches(source, kind, instance string) bool {
	return (q.Source == "" || q.Source == source) && (q.Type == "" || q.Type == kind) &&
		(q.Instance == "" || q.Instance == instance)
}

type message struct {
	jetstream.Msg
	sequence uint64
	stored   time.Time
}

// read goes through a stream's messages that match. With a limit it begins near the end, and farther back
// until enough match, so that a look at the newest of millions does not read millions.
func read[T any](ctx context.Context, s *Streams, name, subject string, query Query,
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
		if err != nil && ctx.Err() == nil {
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
	limit := uint64(r.query.Limit)
	for span := 2 * limit; ; span *= 8 {
		start := first
		if last >= span && last-span+1 > first {
			start = last - span + 1
		}
		kept = kept[:0]
		next = last + 1
		err = r.each(ctx, start, false, func(m *message) bool {
			if value, matches := decode(m); matches {
				kept = append(kept, value)
			}
			next = max(next, m.sequence+1)
			return true
		})
		if err != nil || uint64(len(kept)) >= limit || start == first {
			if excess := len(kept) - r.query.Limit; excess > 0 {
				kept = kept[excess:]
			}
			if !r.query.Follow {
				next = 0
			}
			return kept, next, err
		}
	}
}
