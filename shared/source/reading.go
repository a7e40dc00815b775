package source

import (
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"sluice.internal/shared/notification"
)

// Reading says where the notifications of a source have what they have. Each place is one of
//
//	/event/type       a JSON pointer (RFC 6901) into the body; for a form, / and the field's name
//	$.event.type      the same as a JSON path of names and [indices]
//	header:X-Event    a field of the request
//	constant:order    the same text always
//	body              a digest of the whole body
//
// Empty places leave things out.
type Reading struct {
	// Type is where the type is.
	Type string `json:"type,omitempty"`
	// Instance names the sender's account.
	Instance string `json:"instance,omitempty"`
	// ID is what makes a notification the same as another one; all places together. Empty means the body.
	ID []string `json:"id,omitempty"`
	// Order names what must stay in order.
	Order string `json:"order,omitempty"`
	// SentAt is the sender's time, in seconds or milliseconds since 1970 or as RFC 3339.
	SentAt string `json:"sent_at,omitempty"`
	// Object names what a notification is about, where they come out of order; it needs SentAt.
	Object string `json:"object,omitempty"`
}

const (
	placeHeader   = "header:"
	placeConstant = "constant:"
	placeDigest   = "body"
)

// CheckPlace tells what is wrong with a place.
func CheckPlace(place string) error {
	switch {
	case place == "", place == placeDigest, strings.HasPrefix(place, "/"):
		return nil
	case strings.HasPrefix(place, placeConstant) && place != placeConstant:
		return nil
	case strings.HasPrefix(place, placeHeader) && isFieldName(strings.TrimPrefix(place, placeHeader)):
		return nil
	case strings.HasPrefix(place, "$"):
		if _, err := pathTokens(place); err != nil {
			return err
		}
		return nil
	}
	return errors.New("is no place; write for example /event/type, $.event.type, header:X-Event, constant:order or body")
}

// isFieldName tells whether the text can be the name of a field in a header.
func isFieldName(name string) bool {
	return name != "" && len(name) <= 64 && !strings.ContainsFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-_", r)
	})
}

// Check finds all faults of a reading.
func (r Reading) Check() error {
	var faults []error
	for _, place := range r.places() {
		if err := CheckPlace(place); err != nil {
			faults = append(faults, fmt.Errorf("place %q %w", place, err))
		}
	}
	if r.Object != "" && r.SentAt == "" {
		faults = append(faults, errors.New("read.object needs read.sent_at"))
	}
	return errors.Join(faults...)
}

func (r Reading) places() []string {
	return append([]string{r.Type, r.Instance, r.Order, r.SentAt, r.Object}, r.ID...)
}

// Fields are the fields of a request that the reading looks at.
func (r Reading) Fields() []string {
	var names []string
	for _, place := range r.places() {
		if name, ok := strings.CutPrefix(place, placeHeader); ok {
			names = append(names, http.CanonicalHeaderKey(name))
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Encode writes the reading for a notification.
func (r Reading) Encode() string {
	text, err := json.Marshal(r)
	if err != nil {
		return ""
	}
	return string(text)
}

// readingOf is the reading that a notification carries. What another program wrote there may be anything.
func readingOf(n *notification.Notification) Reading {
	var r Reading
	if json.Unmarshal([]byte(n.Reading), &r) != nil {
		return Reading{}
	}
	return r
}

// text is what the document has at the place, "" when there is nothing that is a string or number.
func (r Reading) text(place string, n *notification.Notification, body *notification.Document) string {
	if text, ok := fixed(place, n); ok {
		return text
	}
	if place == placeDigest {
		return body.Fingerprint()
	}
	value, _ := body.Pointer(pointerOf(place))
	return notification.TextOf(value)
}

// fixed is what needs no look into the body.
func fixed(place string, n *notification.Notification) (text string, ok bool) {
	if place == "" {
		return "", true
	}
	if text, ok := strings.CutPrefix(place, placeConstant); ok {
		return text, true
	}
	if name, ok := strings.CutPrefix(place, placeHeader); ok {
		return n.Header[http.CanonicalHeaderKey(name)], true
	}
	return "", false
}

// peek is text without a document.
func (r Reading) peek(place string, n *notification.Notification) string {
	if text, ok := fixed(place, n); ok || place == placeDigest {
		return text
	}
	tokens := notification.PointerTokens(pointerOf(place))
	for i, token := range tokens {
		tokens[i] = gjson.Escape(token)
	}
	return textOf(gjson.GetBytes(n.Body, strings.Join(tokens, ".")))
}

// pointerOf is a place in the body as a JSON pointer.
func pointerOf(place string) string {
	if !strings.HasPrefix(place, "$") {
		return place
	}
	tokens, err := pathTokens(place)
	if err != nil {
		return ""
	}
	pointer := ""
	for _, token := range tokens {
		pointer += "/" + strings.ReplaceAll(strings.ReplaceAll(token, "~", "~0"), "/", "~1")
	}
	return pointer
}

// pathTokens takes apart a JSON path of names and indices, as in $.data.items[0].id or $['data'].
func pathTokens(path string) ([]string, error) {
	wrong := errors.New("is no JSON path of names and indices; write for example $.items[0].id")
	rest, ok := strings.CutPrefix(path, "$")
	if !ok || rest == "" {
		return nil, wrong
	}
	var tokens []string
	for rest != "" {
		var step string
		switch rest[0] {
		case '.':
			end := strings.IndexAny(rest[1:], ".[") + 1
			if end == 0 {
				end = len(rest)
			}
			step, rest = rest[1:end], rest[end:]
		case '[':
			inner, after, closed := strings.Cut(rest[1:], "]")
			if !closed {
				return nil, wrong
			}
			step, rest = strings.Trim(inner, `'"`), after
			if _, err := strconv.Atoi(inner); err != nil && step == inner {
				return nil, wrong
			}
		default:
			return nil, wrong
		}
		if step == "" || step == "*" {
			return nil, wrong
		}
		tokens = append(tokens, step)
	}
	return tokens, nil
}

// identify reads what a notification is.
func (r Reading) identify(n *notification.Notification, body *notification.Document) notification.Identity {
	identity := notification.Identity{
		Type: r.text(r.Type, n, body), Instance: r.text(r.Instance, n, body), OrderKey: r.text(r.Order, n, body),
	}
	identity.SentAt = timeFrom(r.text(r.SentAt, n, body))
	identity.Object = r.text(r.Object, n, body)
	parts, known := []string{n.Source, identity.Instance, identity.Type}, false
	for _, place := range r.ID {
		text := r.text(place, n, body)
		known = known || text != ""
		parts = append(parts, text)
	}
	if !known { // Then only the body tells it from others.
		parts = append(parts, body.Fingerprint())
	}
	identity.Key = notification.Key(parts...)
	return identity
}

// timeFrom reads a sender's time; zero when it is none.
func timeFrom(text string) time.Time {
	at, ok := parseStamp(text)
	if !ok || at.Unix() <= 0 || at.Unix() > endOfTime {
		return time.Time{}
	}
	return at.UTC()
}

// takenAsItIs tells whether a body that is no document is meant to be none: XML, plain text, bytes, or JSON that is no
// object.
func takenAsItIs(n *notification.Notification) bool {
	kind, _, err := mime.ParseMediaType(n.ContentType)
	if err != nil {
		return false
	}
	switch {
	case len(n.Body) == 0:
		return false
	case kind == "application/json" || strings.HasSuffix(kind, "+json"):
		return json.Valid(n.Body) && notification.Depth(n.Body) <= notification.MaxDepth
	}
	return kind != "application/x-www-form-urlencoded"
}
