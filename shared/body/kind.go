package body

import (
	"bytes"
	"mime"
	"strings"
)

// Kind is the form of a body.
type Kind int

// The kinds of bodies.
const (
	// JSON is every body that is nothing else, so that the reader of JSON says what is wrong with it.
	JSON Kind = iota
	Form
	Multipart
	XML
	// PlainText is text that is meant to be no document.
	PlainText
)

// Recognize returns what a body is and its text, see KindOf and Text. A multipart body is returned as it is, and a form with
// its escapes: their parts may each be in another encoding.
func Recognize(contentType string, raw []byte) (kind Kind, text []byte, err error) {
	kind = KindOf(contentType, bytes.TrimPrefix(raw, []byte(mark)))
	if kind == Multipart {
		return kind, raw, nil
	}
	if kind == Form && markedEncoding(raw) == nil {
		return kind, bytes.TrimPrefix(raw, []byte(mark)), nil
	}
	text, err = Text(contentType, raw)
	return KindOf(contentType, text), text, err
}

const formType = "application/x-www-form-urlencoded"

// KindOf returns what a text is, by its content type and its beginning. Senders declare much that is not so; what the bytes
// say beyond doubt counts more than what the header says. The first of these that holds decides:
//
//   - What begins with { is JSON.
//   - What is declared as a form, and does not begin with <, is one. So is multipart, and XML.
//   - What is declared as text of another kind is that.
//   - What begins with < is XML.
//   - What is made of names and values in the characters of a form is one.
//   - Everything else is taken for JSON.
func KindOf(contentType string, text []byte) Kind {
	first := firstByte(text)
	media := mediaType(contentType)
	switch {
	case first == '{':
		return JSON
	case media == formType && first != '<':
		return Form
	case strings.HasPrefix(media, "multipart/"):
		return Multipart
	case media == "application/xml", media == "text/xml", strings.HasSuffix(media, "+xml"):
		return XML
	case strings.HasPrefix(media, "text/") && media != "text/json" && media != "text/x-json" && media != "text/javascript":
		return PlainText
	case first == '<':
		return XML
	case looksLikeForm(text):
		return Form
	}
	return JSON
}

// mediaType returns the type of a content type in lower case. What is before a broken parameter still says what it is.
func mediaType(contentType string) string {
	media, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		media, _, _ = strings.Cut(contentType, ";")
	}
	return strings.ToLower(strings.TrimSpace(media))
}

// firstByte returns the first byte that is no white space, 0 when there is none.
func firstByte(text []byte) byte {
	text = bytes.TrimLeft(text, " \t\r\n")
	if len(text) == 0 {
		return 0
	}
	return text[0]
}

// looksLikeForm reports whether a text that is not said to be a form is one beyond doubt: it begins with a name and an equals
// sign, and has no character that senders of forms escape and other texts do not do without.
func looksLikeForm(text []byte) bool {
	text = bytes.TrimRight(text, "\r\n")
	name, _, found := bytes.Cut(text, []byte("="))
	if !found || len(name) == 0 || bytes.ContainsAny(name, "&;,:/") {
		return false
	}
	for _, c := range text {
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`"<>\^{|}`+"`", c) >= 0 {
			return false
		}
	}
	return true
}
