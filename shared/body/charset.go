package body

import (
	"bytes"
	"fmt"
	"mime"
	"regexp"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/ianaindex"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"
)

const (
	// mark is what some programs write before text in UTF-8. RFC 8259 lets readers ignore it.
	mark = "\ufeff"
	// maxDeclaration is how far into XML its declaration is looked for, in bytes. It comes first, and is short.
	maxDeclaration = 256
	// maxShown bounds a name of the sender's in an error, in bytes.
	maxShown = 40
)

// xmlDeclaration finds the encoding that XML says itself that it has.
// Source: https://www.w3.org/TR/xml/#NT-EncodingDecl
var xmlDeclaration = regexp.MustCompile(`^\s*<\?xml\s[^>]*?encoding\s*=\s*["']([A-Za-z][A-Za-z0-9._-]*)["']`)

// Text returns a body in UTF-8 without a byte order mark. What says in which encoding it is written counts in this order:
// its byte order mark, the charset of the content type, the declaration of XML. A body in UTF-8 is taken for that whatever
// they say: text in another encoding is next to never valid UTF-8 by chance, while wrong declarations are common.
//
// A body without any of these is returned as it is, in UTF-8 or not: nothing is guessed. An error names a charset that nobody
// knows; then too the body is returned as it is.
func Text(contentType string, raw []byte) ([]byte, error) {
	if marked := markedEncoding(raw); marked != nil {
		return decoded(marked, raw)
	}
	raw = bytes.TrimPrefix(raw, []byte(mark))
	if isPlain(raw) {
		return raw, nil
	}
	name := charsetOf(contentType)
	if name == "" {
		name = declaredInXML(raw)
	}
	return In(name, raw)
}

// In returns text that is written in a charset in UTF-8. A name is any that browsers, IANA or Windows know; an empty one
// leaves the text as it is.
func In(name string, raw []byte) ([]byte, error) {
	if name == "" {
		return raw, nil
	}
	found := encodingNamed(name)
	if found == nil {
		return raw, fmt.Errorf("is in the charset %q, which nobody knows here", bounded(name, maxShown))
	}
	if found == unicode.UTF8 {
		return raw, nil // What is wrong with it is for its reader to find.
	}
	return decoded(found, raw)
}

func decoded(from encoding.Encoding, raw []byte) ([]byte, error) {
	text, err := from.NewDecoder().Bytes(raw)
	if err != nil {
		return raw, fmt.Errorf("can't be read by its charset: %w", err)
	}
	return bytes.TrimPrefix(text, []byte(mark)), nil
}

// markedEncoding returns the encoding that a byte order mark names, apart from UTF-8. Without one, two bytes of which one is
// zero are the first letter of a document in UTF-16: nothing else begins so.
func markedEncoding(raw []byte) encoding.Encoding {
	switch {
	case bytes.HasPrefix(raw, []byte{0xff, 0xfe, 0, 0}), bytes.HasPrefix(raw, []byte{0, 0, 0xfe, 0xff}):
		return utf32.UTF32(utf32.LittleEndian, utf32.UseBOM)
	case bytes.HasPrefix(raw, []byte{0xff, 0xfe}), bytes.HasPrefix(raw, []byte{0xfe, 0xff}):
		return unicode.UTF16(unicode.LittleEndian, unicode.UseBOM)
	case len(raw) >= 4 && raw[0] == 0 && isOpening(raw[1]):
		return unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM)
	case len(raw) >= 4 && raw[1] == 0 && isOpening(raw[0]) && (raw[2] != 0 || raw[3] != 0):
		return unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM)
	}
	return nil
}

func isOpening(c byte) bool { return c == '{' || c == '[' || c == '<' }

// isPlain reports whether text is in UTF-8 and in nothing else. A control character may be half of a letter in UTF-16, or
// switch to another encoding.
func isPlain(text []byte) bool {
	return utf8.Valid(text) && !bytes.ContainsFunc(text, func(r rune) bool {
		return r < ' ' && r != '\n' && r != '\r' && r != '\t' && r != '\f' && r != '\v'
	})
}

// charsetOf returns the charset that a content type names, "" when it names none.
func charsetOf(contentType string) string {
	_, parameters, err := mime.ParseMediaType(contentType)
	if err != nil { // A broken parameter does not hide the others.
		for parameter := range strings.SplitSeq(contentType, ";") {
			name, value, _ := strings.Cut(parameter, "=")
			if strings.EqualFold(strings.TrimSpace(name), "charset") {
				return strings.Trim(strings.TrimSpace(value), `"'`)
			}
		}
	}
	return strings.Trim(parameters["charset"], `"' `)
}

func declaredInXML(raw []byte) string {
	found := xmlDeclaration.FindSubmatch(raw[:min(len(raw), maxDeclaration)])
	if found == nil {
		return ""
	}
	return string(found[1])
}

// windowsName is how programs on Windows write the names of its code pages, as in cp-1251, win1251 and windows1251.
var windowsName = regexp.MustCompile(`^(?:windows|win|cp)[-_ ]?(\d{3,4})$`)

// encodingNamed returns the encoding with a name, nil when nobody knows it.
// Source: https://encoding.spec.whatwg.org/#names-and-labels
func encodingNamed(name string) encoding.Encoding {
	name = strings.ToLower(strings.TrimSpace(name))
	if strings.HasPrefix(name, "utf-32") || strings.HasPrefix(name, "utf32") {
		order := utf32.LittleEndian
		if strings.HasSuffix(name, "be") {
			order = utf32.BigEndian
		}
		return utf32.UTF32(order, utf32.IgnoreBOM)
	}
	if page := windowsName.FindStringSubmatch(name); page != nil {
		name = "windows-" + page[1]
		if len(page[1]) == len("866") {
			name = "ibm" + page[1]
		}
	}
	if found, err := htmlindex.Get(name); err == nil && found != encoding.Replacement {
		return found
	}
	if found, err := ianaindex.MIME.Encoding(name); err == nil && found != encoding.Replacement {
		return found // Nil where it is known and not supported.
	}
	return nil
}

// bounded is a text of the sender's in UTF-8, cut to a limit in bytes where it is longer: it may be as long as the body.
func bounded(text string, limit int) string {
	text = strings.ToValidUTF8(text, string(utf8.RuneError))
	if len(text) <= limit {
		return text
	}
	for !utf8.RuneStart(text[limit]) {
		limit--
	}
	return text[:limit] + "…"
}
