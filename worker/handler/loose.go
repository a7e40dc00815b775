package handler

import (
	"encoding/json"
	"log/slog"
	"unicode/utf8"
)

// Text is a string that no body can break: a number keeps its digits, so ids beyond 2^53 survive, and whatever is
// neither string nor number is empty. Senders write the same field now as one, now as the other.
//
// In a log line a text is cut at 300 bytes.
type Text string

const maxLogged = 300

// UnmarshalJSON reads any JSON value. It never fails.
func (t *Text) UnmarshalJSON(data []byte) error {
	*t = ""
	if len(data) == 0 {
		return nil
	}
	switch first := data[0]; {
	case first == '"':
		var text string
		if json.Unmarshal(data, &text) == nil {
			*t = Text(text)
		}
	case first == '-' || '0' <= first && first <= '9':
		*t = Text(data)
	}
	return nil
}

// LogValue is the text, cut to a length that is fit for a log.
func (t Text) LogValue() slog.Value { return slog.StringValue(t.short()) }

func (t Text) short() string {
	if len(t) <= maxLogged {
		return string(t)
	}
	end := maxLogged
	for end > 0 && !utf8.RuneStart(t[end]) {
		end--
	}
	return string(t[:end]) + "…"
}

// attr is the text as a part of a log line, nothing when it is empty.
func (t Text) attr(key string) slog.Attr {
	if t == "" {
		return slog.Attr{}
	}
	return slog.Any(key, t)
}

// Loose is a part of a body whose shape is not sure. What fits T is in Value; anything else leaves it zero.
type Loose[T any] struct {
	Value T
	// OK tells that the part was there and fitted.
	OK bool
}

// UnmarshalJSON reads any JSON value. It never fails.
func (l *Loose[T]) UnmarshalJSON(data []byte) error {
	*l = Loose[T]{}
	if string(data) == "null" {
		return nil
	}
	var value T
	if decode(data, &value) == nil {
		*l = Loose[T]{Value: value, OK: true}
	}
	return nil
}

// attr is the value as a part of a log line, nothing when there is none.
func (l Loose[T]) attr(key string) slog.Attr {
	if !l.OK {
		return slog.Attr{}
	}
	return slog.Any(key, l.Value)
}
