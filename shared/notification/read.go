package notification

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"sluice.internal/shared/body"
)

// Read reads a body by its content type and its bytes, in the encoding that these name: see body.Recognize. A form is the
// document of its fields, a multipart body that of its parts, XML that of its outermost element; everything else must be a JSON
// object. Without a fault there is a document; no input makes it panic.
func Read(contentType string, raw []byte) (*Document, *Fault) {
	kind, text, err := body.Recognize(contentType, raw)
	switch kind { //nolint:exhaustive // The others are read as JSON.
	case body.Form:
		return readForm(contentType, text)
	case body.Multipart:
		return readMultipart(contentType, text)
	case body.XML:
		root, err := body.ParseXML(text)
		if err != nil {
			return nil, faultf("%s", err)
		}
		return &Document{root: root, schemaless: true}, nil
	}
	if err != nil {
		return nil, faultf("%s", err)
	}
	return Parse(text)
}

// Opaque is the document of a body that has none, such as plain text: it has no fields, and its fingerprint is that of the
// bytes.
func Opaque(body []byte) *Document { return &Document{opaque: true, schemaless: true, raw: body} }

// IsOpaque reports whether nothing can be read from the body.
func (d *Document) IsOpaque() bool { return d.opaque }

// IsSchemaless reports whether no schema applies to the body: schemas are about JSON and forms.
func (d *Document) IsSchemaless() bool { return d.schemaless }

// AsJSON returns a body as JSON: itself in UTF-8, as Parse repaired it, or the document that Read makes of it. Plain text is a
// string. Whoever decodes a body decodes this, so that a handler sees what the schema and the identity saw. What can't be read
// is returned as it is.
func AsJSON(contentType string, raw []byte) []byte {
	kind, text, err := body.Recognize(contentType, raw)
	switch {
	case err != nil:
		return raw
	case kind == body.JSON:
		return repairedJSON(text)
	case kind == body.PlainText:
		if isContainer(text) && json.Valid(text) {
			return text
		}
		return asJSON(string(text), raw)
	}
	document, fault := Read(contentType, raw)
	if fault != nil {
		return raw
	}
	return asJSON(document.root, raw)
}

// asJSON writes a value as JSON, or else returns the body.
func asJSON(value any, otherwise []byte) []byte {
	content, err := json.Marshal(value)
	if err != nil {
		return otherwise
	}
	return content
}

// isContainer reports whether text is a list or an object, if it is JSON at all.
func isContainer(text []byte) bool { return beginsWith(text, '{') || beginsWith(text, '[') }

// repairedJSON returns a body that is no JSON as repaired, if it is JSON then.
func repairedJSON(text []byte) []byte {
	text = withoutMark(text)
	if isJSON(text) {
		return text
	}
	if fixed, repairs := repairBody(text); len(repairs) > 0 && isJSON(fixed) {
		return fixed
	}
	return text
}

// isJSON reports whether all readers take a text for JSON: json.Valid takes what is no character as well.
func isJSON(text []byte) bool {
	return jsontext.Value(text).IsValid(jsontext.AllowDuplicateNames(true))
}

func beginsWith(text []byte, first byte) bool {
	text = bytes.TrimLeft(text, " \t\r\n")
	return len(text) > 0 && text[0] == first
}

// readForm makes an object of a form: a field is a string, one that comes several times a list of strings. A form whose only
// field is called payload and holds a JSON object is that object, which is how GitHub and Slack send JSON in a form.
func readForm(contentType string, text []byte) (*Document, *Fault) {
	fields, err := body.ParseForm(contentType, text)
	if err != nil {
		return nil, faultf("%s", err)
	}
	if payload, ok := fields.Only("payload"); ok && beginsWith([]byte(payload), '{') {
		return Parse([]byte(payload))
	}
	return &Document{root: fields.Object(), faults: replacedFaults(fields.Replaced)}, nil
}

// readMultipart makes an object of the parts. Unlike that of a form, a payload alone keeps its name: with a file beside it, it
// would have it too.
func readMultipart(contentType string, raw []byte) (*Document, *Fault) {
	var reader partReader
	parts, err := body.ParseMultipart(contentType, raw, reader.readJSON)
	if err != nil {
		return nil, faultf("%s", err)
	}
	faults := append(reader.faults, replacedFaults(parts.Replaced)...)
	if parts.Cut {
		faults = append(faults, Fault{Message: "is multipart without its end"})
	}
	return &Document{root: parts.Object(), faults: faults}, nil
}

// partReader reads the parts of a body that are JSON.
type partReader struct {
	values int // of all parts together
	faults []Fault
}

// readJSON reads a part as JSON if that is its type, or if it is an object. A text that is none, or not one that all readers
// would read alike, stays a text: somebody may have typed it into a field. It is a fault where it was said to be JSON, and of
// the whole body where it is ambiguous or out of bounds.
func (r *partReader) readJSON(name, mediaType string, text []byte) (value any, isJSON bool, err error) {
	declared := mediaType == "application/json" || strings.HasSuffix(mediaType, "+json")
	if !declared && !beginsWith(text, '{') {
		return nil, false, nil
	}
	value, faults, fault := parseText(text, &r.values)
	at := shortName("/" + pointerEscaper.Replace(name))
	switch {
	case fault == nil:
		for _, one := range faults {
			r.faults = append(r.faults, Fault{Pointer: shortName(at + one.Pointer), Message: one.Message})
		}
		return value, true, nil
	case !declared:
		return nil, false, nil
	case strings.HasPrefix(fault.Message, notJSON) || len(text) == 0:
		r.faults = append(r.faults, Fault{Pointer: at, Message: fault.Message})
		return nil, false, nil
	default:
		return nil, false, errors.New(strings.TrimSpace(fault.Pointer + " " + fault.Message))
	}
}

// replacedFaults names the fields that had bytes which are no text.
func replacedFaults(names []string) []Fault {
	var faults []Fault
	for _, name := range names {
		faults = append(faults, Fault{
			Pointer: shortName("/" + pointerEscaper.Replace(name)), Message: "has bytes that are no text in its encoding, read as U+FFFD",
		})
	}
	return faults
}

var pointerEscaper = strings.NewReplacer("~", "~0", "/", "~1")

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

// TextOf is a string or number as text, a whole number as WholeNumber writes it, and "" for anything else.
func TextOf(value any) string {
	switch value := value.(type) {
	case string:
		return value
	case json.Number:
		return WholeNumber(value.String())
	default:
		return ""
	}
}
