package notification

import (
	"encoding/json"
	"fmt"
	"strconv"
)

// Document is a body that is a JSON object, or what became one: a form, a multipart body, XML. Numbers keep the sender's digits, so ids beyond 2^53 survive.
// It must not be changed while others read it.
type Document struct {
	root map[string]any
	// faults are what had to be repaired to read the body.
	faults []Fault
	// opaque says that the body is none of these; raw is the body then.
	opaque bool
	// schemaless says that no schema applies.
	schemaless bool
	raw        []byte
}

// Root returns the object as encoding/json makes it, with numbers as json.Number.
func (d *Document) Root() map[string]any { return d.root }

// Faults returns what had to be repaired to read the body, in its order; nil when it was JSON. Nobody may change it.
func (d *Document) Faults() []Fault { return d.faults }

// Has reports whether there is a value, be it null, at the path of object keys.
func (d *Document) Has(path ...string) bool {
	_, ok := d.at(path)
	return ok
}

// String returns the string at the path of object keys, and "" when there is none.
func (d *Document) String(path ...string) string {
	value, _ := d.at(path)
	text, _ := value.(string)
	return text
}

// Text returns the string or number at the path of object keys as text, as TextOf does, and "" when there is neither.
func (d *Document) Text(path ...string) string {
	value, _ := d.at(path)
	return TextOf(value)
}

// Integer returns the whole number at the path of object keys; ok is false when there is none that fits.
func (d *Document) Integer(path ...string) (n int64, ok bool) {
	value, _ := d.at(path)
	number, isNumber := value.(json.Number)
	if !isNumber {
		return 0, false
	}
	n, err := strconv.ParseInt(WholeNumber(number.String()), 10, 64)
	return n, err == nil
}

func (d *Document) at(path []string) (any, bool) {
	var value any = d.root
	for _, key := range path {
		object, ok := value.(map[string]any)
		if !ok {
			return nil, false
		}
		if value, ok = object[key]; !ok {
			return nil, false
		}
	}
	return value, true
}

// Kind names the JSON type of a decoded value with its article, for messages to people.
func Kind(value any) string {
	switch value.(type) {
	case nil:
		return "null"
	case bool:
		return "a boolean"
	case json.Number, float64:
		return "a number"
	case string:
		return "a string"
	case []any:
		return "an array"
	default:
		return "an object"
	}
}

func faultf(format string, args ...any) *Fault {
	return &Fault{Message: fmt.Sprintf(format, args...)}
}
