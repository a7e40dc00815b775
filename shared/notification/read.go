package notification

import (
	"encoding/json"
	"fmt"
	"mime"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxFields is how many fields of a form are read.
const maxFields = 10_000

const formType = "application/x-www-form-urlencoded"

// Read reads a body by its content type: a form is the document of its fields, everything else must be a JSON object.
// A body that is a JSON object is one whatever the content type says, since some senders get that wrong. Without a
// fault there is a document; no input makes it panic.
func Read(contentType string, body []byte) (*Document, *Fault) {
	if !isForm(contentType) || beginsWith(body, '{') {
		return Parse(body)
	}
	return parseForm(body)
}

// Opaque is the document of a body that has none, such as XML or plain text: it has no fields, and its fingerprint is
// that of the bytes.
func Opaque(body []byte) *Document { return &Document{opaque: true, raw: body} }

// IsOpaque tells whether nothing can be read from the body.
func (d *Document) IsOpaque() bool { return d.opaque }

// AsJSON returns the body as JSON: itself, or a form as Read reads it. What can't be read is returned as it is.
func AsJSON(contentType string, body []byte) []byte {
	if !isForm(contentType) || beginsWith(body, '{') {
		return body
	}
	document, fault := parseForm(body)
	if fault != nil {
		return body
	}
	content, err := json.Marshal(document.root)
	if err != nil {
		return body
	}
	return content
}

func isForm(contentType string) bool {
	if contentType == "" {
		return false
	}
	kind, _, err := mime.ParseMediaType(contentType)
	if err != nil { // What is before a broken parameter still says what it is.
		kind, _, _ = strings.Cut(contentType, ";")
	}
	return strings.EqualFold(strings.TrimSpace(kind), formType)
}

func beginsWith(body []byte, first byte) bool {
	for _, b := range body {
		if b != ' ' && b != '\t' && b != '\r' && b != '\n' {
			return b == first
		}
	}
	return false
}

// parseForm makes an object of a form: a field is a string, one that comes several times a list of strings. A form
// whose only field is called payload and holds a JSON object is that object, which is how GitHub and Slack send JSON
// in a form.
func parseForm(body []byte) (*Document, *Fault) {
	if len(body) == 0 {
		return nil, faultf("is empty")
	}
	if strings.Count(string(body), "&") >= maxFields {
		return nil, faultf("has more than %d fields", maxFields)
	}
	fields, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, faultf("is not a form: %s", err)
	}
	if payload := fields["payload"]; len(fields) == 1 && len(payload) == 1 && beginsWith([]byte(payload[0]), '{') {
		return Parse([]byte(payload[0]))
	}
	root := make(map[string]any, len(fields))
	for name, values := range fields {
		if fault := checkField(name, values); fault != nil {
			return nil, fault
		}
		if len(values) == 1 {
			root[name] = values[0]
			continue
		}
		list := make([]any, len(values))
		for i, value := range values {
			list[i] = value
		}
		root[name] = list
	}
	return &Document{root: root}, nil
}

func checkField(name string, values []string) *Fault {
	for _, text := range append([]string{name}, values...) {
		if !utf8.ValidString(text) {
			return &Fault{Message: fmt.Sprintf("has a field %q that is not valid UTF-8", name)}
		}
	}
	return nil
}

// Pointer returns the value at a JSON pointer (RFC 6901); ok is false when there is none.
func (d *Document) Pointer(pointer string) (value any, ok bool) {
	if d.opaque {
		return nil, false
	}
	value = d.root
	for _, token := range PointerTokens(pointer) {
		switch container := value.(type) {
		case map[string]any:
			value, ok = container[token]
		case []any:
			i, err := strconv.Atoi(token)
			if ok = err == nil && i >= 0 && i < len(container); ok {
				value = container[i]
			}
		default:
			ok = false
		}
		if !ok {
			return nil, false
		}
	}
	return value, true
}

// PointerTokens takes a JSON pointer apart.
func PointerTokens(pointer string) []string {
	if pointer == "" {
		return nil
	}
	tokens := strings.Split(strings.TrimPrefix(pointer, "/"), "/")
	for i, token := range tokens {
		tokens[i] = strings.ReplaceAll(strings.ReplaceAll(token, "~1", "/"), "~0", "~")
	}
	return tokens
}

// TextOf is a string or number as text, and "" for anything else.
func TextOf(value any) string {
	switch value := value.(type) {
	case string:
		return value
	case json.Number:
		return value.String()
	default:
		return ""
	}
}
