package notification

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	// MaxDepth is how deep a body may nest. Real notifications stay below ten; the limit keeps everything that
	// walks a document recursively from exhausting the stack.
	MaxDepth = 256
	// MaxNumberLength is how long a number may be written, in bytes.
	MaxNumberLength = 1000
	// MaxExponent is the largest magnitude of a number's exponent. Exact arithmetic on 1e1000000000 would
	// take gigabytes.
	MaxExponent = 1000
)

// Document is a body that is a JSON object, or a form. Numbers keep the sender's digits, so ids beyond 2^53 survive.
// It must not be changed while others read it.
type Document struct {
	root map[string]any
	// opaque says that the body is neither; raw is the body then.
	opaque bool
	raw    []byte
}

// Parse reads a body. When it is not a JSON object in valid UTF-8 within the limits of this package, the
// document is nil and the fault says what is wrong. No input makes it panic.
func Parse(body []byte) (*Document, *Fault) {
	if fault := checkText(body); fault != nil {
		return nil, fault
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var root any
	if err := decoder.Decode(&root); err != nil {
		return nil, syntaxFault(err, body)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, faultf("is followed by more data at byte %d", decoder.InputOffset())
	}
	object, ok := root.(map[string]any)
	if !ok {
		return nil, faultf("is %s, must be an object", Kind(root))
	}
	if fault := checkNumbers("", object); fault != nil {
		return nil, fault
	}
	return &Document{root: object}, nil
}

// Root returns the object as encoding/json makes it, with numbers as json.Number.
func (d *Document) Root() map[string]any { return d.root }

// Has tells whether there is a value, be it null, at the path of object keys.
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

// Text returns the string or number at the path of object keys as text, and "" when there is neither.
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
	n, err := number.Int64()
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

// checkText refuses what the decoder would repair silently or recurse into too deeply.
func checkText(body []byte) *Fault {
	if len(bytes.TrimSpace(body)) == 0 {
		return faultf("is empty")
	}
	if !utf8.Valid(body) {
		return faultf("is not valid UTF-8 at byte %d", firstInvalid(body))
	}
	if depth := Depth(body); depth > MaxDepth {
		return faultf("nests %d levels deep, at most %d are read", depth, MaxDepth)
	}
	return nil
}

func firstInvalid(body []byte) int {
	for i := 0; i < len(body); {
		r, size := utf8.DecodeRune(body[i:])
		if r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return len(body)
}

// Depth returns how deep brackets nest outside of strings, whether or not the body is JSON.
func Depth(body []byte) int {
	depth, deepest := 0, 0
	for i := 0; i < len(body); i++ {
		switch body[i] {
		case '"':
			i = skipString(body, i+1)
		case '{', '[':
			depth++
			deepest = max(deepest, depth)
		case '}', ']':
			depth--
		}
	}
	return deepest
}

// skipString returns the index of the quote that ends the string whose content begins at i.
func skipString(body []byte, i int) int {
	for ; i < len(body); i++ {
		switch body[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return i
}

func syntaxFault(err error, body []byte) *Fault {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return faultf("is not JSON: %s at byte %d", syntax.Error(), syntax.Offset)
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return faultf("is not JSON: ends in the middle at byte %d", len(body))
	}
	return faultf("is not JSON: %s", err)
}

func faultf(format string, args ...any) *Fault {
	return &Fault{Message: fmt.Sprintf(format, args...)}
}

func checkNumbers(pointer string, value any) *Fault {
	switch value := value.(type) {
	case map[string]any:
		for key, member := range value {
			if fault := checkNumbers(pointer+"/"+escapePointer(key), member); fault != nil {
				return fault
			}
		}
	case []any:
		for i, item := range value {
			if fault := checkNumbers(pointer+"/"+strconv.Itoa(i), item); fault != nil {
				return fault
			}
		}
	case json.Number:
		if !reasonable(value.String()) {
			return &Fault{Pointer: pointer, Message: "is a number out of range"}
		}
	}
	return nil
}

func reasonable(number string) bool {
	if len(number) > MaxNumberLength {
		return false
	}
	_, exponent, found := strings.Cut(strings.ToLower(number), "e")
	if !found {
		return true
	}
	n, err := strconv.Atoi(exponent)
	return err == nil && n >= -MaxExponent && n <= MaxExponent
}

// escapePointer writes an object key as a token of a JSON pointer (RFC 6901, section 3).
func escapePointer(key string) string {
	return strings.ReplaceAll(strings.ReplaceAll(key, "~", "~0"), "/", "~1")
}
