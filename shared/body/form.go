package body

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/unicode"
)

// MaxFields is how many fields a form may have.
const MaxFields = 10_000

// Fields are the fields of a form in their order.
type Fields struct {
	all []field
	// Replaced are the names of fields, each once, that had bytes which are no text in their encoding and became U+FFFD.
	Replaced []string
}

type field struct {
	name  string
	value any // a string, or what a part of a multipart body became
}

// ParseForm reads a form as browsers and URLSearchParams do: fields are between &, a percent sign without two digits is one,
// and a semicolon is a character like any other. No form is wrong; an error says that it is empty or has too many fields.
//
// Its charset is that of the content type, or of the field _charset_ as browsers send it. Escaped bytes are in it as the others
// are. Where all of them are UTF-8 they are taken for that, as in Text.
//
// Sources: https://url.spec.whatwg.org/#urlencoded-parsing, and of _charset_
// https://html.spec.whatwg.org/#attr-fe-name-charset
func ParseForm(contentType string, text []byte) (Fields, error) {
	if len(text) == 0 {
		return Fields{}, errors.New("is empty")
	}
	if bytes.Count(text, []byte("&")) >= MaxFields {
		return Fields{}, fmt.Errorf("has more than %d fields", MaxFields)
	}
	var fields Fields
	charset, plain := charsetOf(contentType), true
	for sequence := range bytes.SplitSeq(text, []byte("&")) {
		if len(sequence) == 0 {
			continue
		}
		before, after, _ := bytes.Cut(sequence, []byte("="))
		name, value := unescape(before), unescape(after)
		if string(name) == "_charset_" && charset == "" {
			charset = string(value)
		}
		plain = plain && isPlain(name) && isPlain(value)
		fields.all = append(fields.all, field{string(name), string(value)})
	}
	if !plain {
		fields.decode(charset)
	}
	return fields, nil
}

// decode makes UTF-8 of all names and values. A charset that nobody knows is passed over.
func (f *Fields) decode(charset string) {
	if encodingNamed(charset) == nil {
		charset = ""
	}
	for i := range f.all {
		one := &f.all[i]
		value, _ := one.value.(string)
		name, nameReplaced := textIn(charset, one.name)
		value, valueReplaced := textIn(charset, value)
		one.name, one.value = name, value
		if nameReplaced || valueReplaced {
			f.noteReplaced(name)
		}
	}
}

// textIn returns text of a charset in UTF-8, and whether bytes of it are replaced by U+FFFD: as the standard has it, one for
// each sequence that ends early.
func textIn(charset, raw string) (text string, replaced bool) {
	content, err := In(charset, []byte(raw))
	if err != nil || !utf8.Valid(content) {
		content, err = unicode.UTF8.NewDecoder().Bytes([]byte(raw))
	}
	if err != nil { // It never is, as far as anybody knows.
		content = bytes.ToValidUTF8([]byte(raw), []byte(replacement))
	}
	return string(content), bytes.Contains(content, []byte(replacement)) && !strings.Contains(raw, replacement)
}

// replacement stands for what is no text in its encoding.
const replacement = string(utf8.RuneError)

func (f *Fields) noteReplaced(name string) {
	if len(f.Replaced) < maxReplaced && !slices.Contains(f.Replaced, name) {
		f.Replaced = append(f.Replaced, name)
	}
}

// maxReplaced is how many fields are named whose bytes were replaced.
const maxReplaced = 20

// unescape undoes the escapes of a form. What is none stays as it is.
func unescape(escaped []byte) []byte {
	text := make([]byte, 0, len(escaped))
	for i := 0; i < len(escaped); i++ {
		switch c := escaped[i]; {
		case c == '+':
			text = append(text, ' ')
		case c == '%' && i+2 < len(escaped) && isHex(escaped[i+1]) && isHex(escaped[i+2]):
			text = append(text, digit(escaped[i+1])<<4|digit(escaped[i+2]))
			i += 2
		default:
			text = append(text, c)
		}
	}
	return text
}

func isHex(c byte) bool { return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f' }

func digit(hex byte) byte {
	if hex <= '9' {
		return hex - '0'
	}
	return hex | 0x20 - 'a' + 10
}

// Only returns the value of a form that has one field alone, if its name is that.
func (f *Fields) Only(name string) (value string, ok bool) {
	if len(f.all) != 1 || f.all[0].name != name {
		return "", false
	}
	value, ok = f.all[0].value.(string)
	return value, ok
}

// Object returns the fields as an object: a field that comes several times is a list of its values.
func (f *Fields) Object() map[string]any {
	object := make(map[string]any, len(f.all))
	counts := make(map[string]int, len(f.all))
	for _, one := range f.all {
		counts[one.name]++
		switch counts[one.name] {
		case 1:
			object[one.name] = one.value
		case 2: //nolint:mnd // The second one makes it a list.
			object[one.name] = []any{object[one.name], one.value}
		default:
			list, _ := object[one.name].([]any)
			object[one.name] = append(list, one.value)
		}
	}
	return object
}
