package stream

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/nats-io/nats.go"
)

const (
	// maxHeaderValue bounds a header value that comes from outside, in bytes.
	maxHeaderValue = 1 << 10
	// maxHeaderDocument bounds a JSON document in a header, in bytes.
	maxHeaderDocument = 16 << 10
	// HeaderRoom is how much larger than the body a message may be, in bytes.
	HeaderRoom = 64 << 10
)

// header collects the fields of a message. Empty values are left out.
type header nats.Header

// set writes a value in one line of bounded length, whatever it holds.
func (h header) set(name, value string) {
	if value != "" {
		h[name] = []string{oneLine(value, maxHeaderValue)}
	}
}

func (h header) setTime(name string, t time.Time) {
	if !t.IsZero() {
		h[name] = []string{t.UTC().Format(time.RFC3339Nano)}
	}
}

func (h header) setNumber(name string, n uint64) {
	if n != 0 {
		h[name] = []string{strconv.FormatUint(n, 10)}
	}
}

// setTrue writes a mark, and nothing where it is not set.
func (h header) setTrue(name string, mark bool) {
	if mark {
		h[name] = []string{"true"}
	}
}

func isTrue(h nats.Header, name string) bool { return first(h, name) == "true" }

// oneLine replaces what would break a header apart, and cuts at a character's end.
func oneLine(value string, limit int) string {
	if len(value) > limit {
		cut := limit
		for cut > 0 && !utf8.RuneStart(value[cut]) {
			cut--
		}
		value = value[:cut]
	}
	if !strings.ContainsFunc(value, isControl) && utf8.ValidString(value) && strings.TrimSpace(value) == value {
		return value
	}
	value = strings.Map(func(r rune) rune {
		if isControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(value, "\uFFFD"))
	return strings.TrimSpace(value)
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

// first returns a field's first value. Unlike Header.Get of net/http it does not change the name's case.
func first(h nats.Header, name string) string {
	if values := h[name]; len(values) > 0 {
		return values[0]
	}
	return ""
}

func readTime(h nats.Header, name string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, first(h, name))
	if err != nil {
		return time.Time{}
	}
	return t
}

func readNumber(h nats.Header, name string) uint64 {
	n, err := strconv.ParseUint(first(h, name), 10, 64)
	if err != nil {
		return 0
	}
	return n
}
