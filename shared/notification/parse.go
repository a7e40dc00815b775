package notification

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

const (
	// MaxDepth is how deep a body may nest. Real notifications stay below ten; the limit keeps everything that
	// walks a document recursively from exhausting the stack.
	MaxDepth = 256
	// MaxValues is how many values a body may have, its containers among them. A decoded value takes some 400 bytes at
	// the worst, however few bytes it is written with, so that a document takes at most 40 MB. Real notifications have
	// a few hundred values.
	MaxValues = 100_000
	// MaxNumberLength is how long a number may be written, in bytes.
	MaxNumberLength = 1000
	// MaxExponent is the largest magnitude of a number's exponent. Exact arithmetic on 1e1000000000 would
	// take gigabytes.
	MaxExponent = 1000
)

// Parse reads a body. When it is not a JSON object within the limits of this package, the document is nil and the fault says
// what is wrong. No input makes it panic.
//
// What two readers would read differently is a fault: a field that an object has twice with different values. So schema,
// identity and handler see the same values. Names that differ in case alone are different names, as JSON has it and as all
// readers of Sluice read them; Document.Faults names them, because lenient readers elsewhere take one for the other.
//
// What is no JSON but plainly meant is read all the same: leading zeros of numbers, a comma behind the last member, line
// feeds within strings, and text with something in it that is no character. Document.Faults names it. A byte order mark is
// ignored.
func Parse(body []byte) (*Document, *Fault) {
	root, faults, fault := parseText(withoutMark(body), new(int))
	if fault != nil {
		return nil, fault
	}
	object, ok := root.(map[string]any)
	if !ok {
		return nil, faultf("is %s, must be an object", Kind(root))
	}
	return &Document{root: object, faults: faults}, nil
}

// parseText reads any JSON value, repaired where that is needed; faults are the repairs. Values counts those that were read,
// towards MaxValues.
func parseText(text []byte, values *int) (root any, faults []Fault, fault *Fault) {
	if fault := checkText(text); fault != nil {
		return nil, nil, fault
	}
	before := *values
	root, faults, fault = parse(text, nil, values)
	if fault == nil || !strings.HasPrefix(fault.Message, notJSON) {
		return root, faults, fault
	}
	if at := firstInvalid(text); at < len(text) { // Which is easier to look for than what the decoder says of it.
		fault = faultf(notJSON+"is not valid UTF-8 at byte %d", at)
	}
	fixed, repairs := repairBody(text)
	if len(repairs) == 0 {
		return nil, nil, fault
	}
	*values = before
	root, faults, still := parse(fixed, repairs, values)
	if still != nil && strings.Contains(still.Message, " at byte ") { // That counts bytes which the sender did not send.
		return nil, nil, fault
	}
	return root, faults, still
}

// parse reads a text that was checked. Repairs are those that it has, in order.
func parse(text []byte, repairs []repair, values *int) (root any, faults []Fault, fault *Fault) {
	p := parser{
		decoder: jsontext.NewDecoder(bytes.NewBuffer(text), jsontext.AllowDuplicateNames(true)), length: len(text),
		values: values, repairs: repairs,
	}
	root, fault = p.value()
	if fault != nil {
		return nil, nil, fault
	}
	end := p.decoder.InputOffset()
	if _, err := p.decoder.ReadToken(); !errors.Is(err, io.EOF) {
		return nil, nil, faultf("is followed by more data at byte %d", end)
	}
	return root, p.faults, nil
}

// checkText refuses what costs nothing to refuse: text that is no JSON whatever it holds, and nesting that would be
// recursed into.
func checkText(body []byte) *Fault {
	if len(bytes.TrimSpace(body)) == 0 {
		return faultf("is empty")
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

// parser makes a document of a body token by token, so that every limit is checked before its value takes memory.
type parser struct {
	decoder *jsontext.Decoder
	length  int  // of the body, in bytes
	values  *int // read so far, perhaps of other texts of the same body too
	// repairs are those of what is not read yet, faults what was wrong with what is.
	repairs []repair
	faults  []Fault
}

// next reads a token, and notes what was repaired in it.
func (p *parser) next() (jsontext.Token, error) {
	token, err := p.decoder.ReadToken()
	if err == nil && len(p.repairs) > 0 {
		// The token is only good until the decoder is asked for something else, which the pointer does.
		token = token.Clone()
		p.noteRepairs()
	}
	return token, err
}

func (p *parser) noteRepairs() {
	for end := p.decoder.InputOffset(); len(p.repairs) > 0 && int64(p.repairs[0].offset) < end; p.repairs = p.repairs[1:] {
		p.faults = append(p.faults, *p.faultHere("%s", p.repairs[0].message))
	}
}

// value reads one value with all that is in it. Its recursion is bounded by MaxDepth, which was checked before.
func (p *parser) value() (any, *Fault) {
	token, err := p.next()
	if err != nil {
		return nil, p.syntaxFault(err)
	}
	if *p.values++; *p.values > MaxValues {
		return nil, faultf("has more than %d values, at most that many are read", MaxValues)
	}
	switch token.Kind() { //nolint:exhaustive // The decoder returns the others where no value can be.
	case jsontext.KindBeginObject:
		return p.object()
	case jsontext.KindBeginArray:
		return p.array()
	case jsontext.KindString:
		return token.String(), nil
	case jsontext.KindNumber:
		return p.number(token.String())
	case jsontext.KindTrue, jsontext.KindFalse:
		return token.Bool(), nil
	default: // null
		return nil, nil
	}
}

// object reads the members of an object and its end.
func (p *parser) object() (any, *Fault) {
	members := map[string]any{}
	for p.decoder.PeekKind() != jsontext.KindEndObject {
		name, err := p.next()
		if err != nil {
			return nil, p.syntaxFault(err)
		}
		key := name.String()
		value, fault := p.value()
		if fault != nil {
			return nil, fault
		}
		if before, there := members[key]; there && !reflect.DeepEqual(before, value) {
			return nil, p.faultHere("is there twice, with different values")
		}
		members[key] = value
	}
	if _, err := p.next(); err != nil {
		return nil, p.syntaxFault(err)
	}
	if one, other, found := sameFolded(members); found && len(p.faults) < maxRepairs {
		p.faults = append(p.faults, *p.faultHere("has the fields %q and %q, which differ in case alone", shortName(one), shortName(other)))
	}
	return members, nil
}

// array reads the items of an array and its end.
func (p *parser) array() (any, *Fault) {
	items := []any{}
	for p.decoder.PeekKind() != jsontext.KindEndArray {
		item, fault := p.value()
		if fault != nil {
			return nil, fault
		}
		items = append(items, item)
	}
	if _, err := p.next(); err != nil {
		return nil, p.syntaxFault(err)
	}
	return items, nil
}

func (p *parser) number(text string) (any, *Fault) {
	if !reasonable(text) {
		return nil, p.faultHere("is a number out of range")
	}
	return json.Number(text), nil
}

// faultHere is a fault of the value that was read last.
func (p *parser) faultHere(format string, args ...any) *Fault {
	fault := faultf(format, args...)
	fault.Pointer = shortName(string(p.decoder.StackPointer()))
	return fault
}

// maxName is how many bytes of a field's name or of a pointer a fault shows. A name may be as long as a body.
const maxName = 256

func shortName(name string) string { return shortened(name, maxName) }

// shortened cuts a text at the end of a character.
func shortened(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	end := limit
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + "…"
}

// notJSON begins the message of every fault of the syntax.
const notJSON = "is not JSON: "

// syntaxFault says in a sentence why the decoder did not go on.
func (p *parser) syntaxFault(err error) *Fault {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return faultf(notJSON+"ends in the middle at byte %d", p.length)
	}
	var syntax *jsontext.SyntacticError
	if !errors.As(err, &syntax) {
		return faultf(notJSON+"%s", err)
	}
	return faultf(notJSON+"%s at byte %d", syntax.Err, syntax.ByteOffset)
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
