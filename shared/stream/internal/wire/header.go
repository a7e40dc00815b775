package wire

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/nats-io/nats.go"
)

// Bounds of headers. Together with the body's own limit they keep every message below what the server takes, so that what was
// accepted can always be stored as an event and as a dead letter.
const (
	// maxHeaderValue bounds a header value that comes from outside, in bytes.
	maxHeaderValue = 1 << 10
	// maxHeaderDocument bounds a JSON document in a header, in bytes.
	maxHeaderDocument = 16 << 10
	// HeaderReserve is how much larger than the body a message may be, in bytes.
	HeaderReserve = 64 << 10
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

func isTrue(h nats.Header, name string) bool { return HeaderValue(h, name) == "true" }

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

// Travels reports whether a value is read back from a header as it was written.
func Travels(value string) bool { return oneLine(value, maxHeaderValue) == value }

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

// HeaderValue returns a field's first value. Unlike Header.Get of net/http it does not change the name's case.
func HeaderValue(h nats.Header, name string) string {
	if values := h[name]; len(values) > 0 {
		return values[0]
	}
	return ""
}

// ReadTime returns a field's time, zero where there is none.
func ReadTime(h nats.Header, name string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, HeaderValue(h, name))
	if err != nil {
		return time.Time{}
	}
	return t
}

// readNumber returns a field's number, 0 where there is none.
func readNumber(h nats.Header, name string) uint64 {
	n, err := strconv.ParseUint(HeaderValue(h, name), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// SetMessageID replaces a message's id, by which the server folds repetitions into one.
func SetMessageID(message *nats.Msg, id string) { header(message.Header).set(nats.MsgIdHdr, id) }

// MessageID returns a message's id.
func MessageID(message *nats.Msg) string { return HeaderValue(message.Header, nats.MsgIdHdr) }
