package cli

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"time"
	"unicode/utf8"
)

// window is which part of a stream is listed, and how.
type window struct {
	Since  moment `placeholder:"TIME" help:"Only what was stored since: 1h is an hour ago; or a time as in RFC 3339."`
	Limit  int    `placeholder:"N" help:"Only the newest N (default: all)."`
	Follow bool   `short:"f" help:"Go on with what comes, until interrupted."`
	JSON   bool   `name:"json" help:"Print one JSON object a line."`
}

// Validate refuses what can't be meant.
func (w window) Validate() error {
	if w.Limit < 0 {
		return errors.New("--limit must not be negative")
	}
	return nil
}

// moment is a point in time, written as such or as how long ago it was.
type moment struct{ at time.Time }

// UnmarshalText reads "90m" or "2026-11-23T07:00:00Z".
func (m *moment) UnmarshalText(text []byte) (err error) {
	if ago, err := time.ParseDuration(string(text)); err == nil {
		m.at = time.Now().Add(-ago)
		return nil
	}
	if m.at, err = time.Parse(time.RFC3339, string(text)); err != nil {
		return errors.New("must be a duration such as 90m or 24h, or a time such as 2026-11-23T07:00:00Z")
	}
	return nil
}

// listing is how the things of one kind are printed.
type listing[T any] struct {
	// none is the sentence for an empty list.
	none    string
	columns []column
	// row has the cells of the table's columns, document what --json prints.
	row      func(*T) []string
	document func(*T) any
}

// print writes items until they end. With follow the end of the context is the end of the list, otherwise it
// leaves the list incomplete.
func (l *listing[T]) print(ctx context.Context, s *session, w window, items iter.Seq2[T, error]) error {
	lines := newTable(s.out, l.columns...)
	put := func(item *T) error { return lines.add(l.row(item)...) }
	if w.JSON {
		put = func(item *T) error { return s.out.object(l.document(item)) }
	} else if w.Follow {
		if err := errors.Join(lines.flow(), s.out.flush()); err != nil {
			return err
		}
	}
	count, err := each(s, items, w.Follow, put)
	switch ended := lines.end(); {
	case err != nil:
		return err
	case ended != nil:
		return ended
	case w.Follow:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case count == 0:
		s.say("%s", l.none)
	}
	return nil
}

// each puts items out until one can't be. At once means that nobody waits for an item behind it.
func each[T any](s *session, items iter.Seq2[T, error], atOnce bool, put func(*T) error) (count int, err error) {
	for item, err := range items {
		if err != nil {
			return count, err
		}
		if err := put(&item); err != nil {
			return count, err
		}
		if atOnce {
			if err := s.out.flush(); err != nil {
				return count, err
			}
		}
		count++
	}
	return count, nil
}

// payload is a body in a JSON document: as it came where it is JSON itself, else encoded.
type payload struct {
	Body       json.RawMessage `json:"body,omitempty"`
	BodyBase64 []byte          `json:"body_base64,omitempty"`
}

// newPayload keeps numbers and the order of keys as they are; only white space between them goes.
func newPayload(body []byte) payload {
	// The decoder takes bytes that are no UTF-8 inside of strings; other programs would not.
	if json.Valid(body) && utf8.Valid(body) {
		return payload{Body: body}
	}
	return payload{BodyBase64: body}
}
