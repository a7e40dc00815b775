package body

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

const (
	// MaxElements is how many elements and attributes of XML are read.
	MaxElements = 100_000
	// MaxNesting is how deep elements may nest. In JSON each may take two levels.
	MaxNesting = 100
	// attributePrefix and textName tell attributes and text from elements.
	attributePrefix = "@"
	textName        = "#text"
)

// ParseXML makes an object of XML: it has one member, which is called as the outermost element. An element is
//
//   - its text without white space around it, where it has neither attributes nor elements: <id>7</id> is "7", <id/> is "";
//   - else an object of its elements by name, of its attributes by name with @ before it, and of its text, if it has any, as
//     #text. An element that comes several times is a list.
//
// Names have no prefixes of name spaces, and the declarations of these are left out. Comments, instructions and document types
// are passed over. Entities of documents are not looked up, so that nothing grows: the five of XML and those of HTML alone are
// known.
//
// An error says why the text is no XML, or that it is beyond the bounds.
func ParseXML(text []byte) (map[string]any, error) {
	if attributes := countAttributes(text); attributes > MaxElements {
		return nil, fmt.Errorf("has more than %d attributes", MaxElements)
	}
	decoder := xml.NewDecoder(bytes.NewReader(text))
	decoder.Entity = xml.HTMLEntity
	// The text is in UTF-8 by now, whatever its declaration says.
	decoder.CharsetReader = func(_ string, input io.Reader) (io.Reader, error) { return input, nil }
	r := xmlReader{decoder: decoder}
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) && r.root != nil {
			return r.root, nil
		}
		if err != nil {
			return nil, xmlError(err)
		}
		if err := r.outermost(token); err != nil {
			return nil, err
		}
	}
}

type xmlReader struct {
	decoder *xml.Decoder
	root    map[string]any
	read    int // elements and attributes
}

// outermost reads a token that is in no element.
func (r *xmlReader) outermost(token xml.Token) error {
	switch token := token.(type) {
	case xml.StartElement:
		if r.root != nil {
			return errors.New("is not XML: it has a second outermost element")
		}
		value, err := r.element(token, 1)
		r.root = map[string]any{token.Name.Local: value}
		return err
	case xml.CharData:
		if len(bytes.TrimSpace(token)) > 0 {
			return errors.New("is not XML: it has text outside of its element")
		}
	}
	return nil
}

// element reads the rest of an element. Its recursion is bounded by MaxNesting.
func (r *xmlReader) element(start xml.StartElement, depth int) (any, error) {
	if depth > MaxNesting {
		return nil, fmt.Errorf("nests more than %d elements deep", MaxNesting)
	}
	if r.read += 1 + len(start.Attr); r.read > MaxElements {
		return nil, fmt.Errorf("has more than %d elements and attributes", MaxElements)
	}
	all, err := membersOf(start)
	if err != nil {
		return nil, err
	}
	var text strings.Builder
	for {
		token, err := r.decoder.Token()
		if err != nil {
			return nil, xmlError(err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			value, err := r.element(token, depth+1)
			if err != nil {
				return nil, err
			}
			all.add(token.Name.Local, value)
		case xml.CharData:
			text.Write(token)
		case xml.EndElement:
			return all.with(strings.TrimSpace(text.String())), nil
		}
	}
}

// members are the attributes and elements of an element by name. What is there several times is a list.
type members struct {
	object map[string]any
	// repeated are the names of lists. An element that is repeated is none, though it may become an object that has some.
	repeated map[string]bool
}

// membersOf returns the attributes of an element. XML has none twice: of two one reader would see one, another the other.
func membersOf(start xml.StartElement) (all members, err error) {
	seen := make(map[xml.Name]bool, len(start.Attr))
	for _, attribute := range start.Attr {
		if attribute.Name.Space == "xmlns" || attribute.Name.Space == "" && attribute.Name.Local == "xmlns" {
			continue
		}
		if seen[attribute.Name] {
			return all, fmt.Errorf("has an element %q with the attribute %q twice",
				bounded(start.Name.Local, maxShown), bounded(attribute.Name.Local, maxShown))
		}
		seen[attribute.Name] = true
		all.add(attributePrefix+attribute.Name.Local, attribute.Value)
	}
	return all, nil
}

func (m *members) add(name string, value any) {
	if m.object == nil {
		m.object = map[string]any{}
	}
	before, there := m.object[name]
	switch {
	case !there:
		m.object[name] = value
	case m.repeated[name]:
		list, _ := before.([]any)
		m.object[name] = append(list, value)
	default:
		if m.repeated == nil {
			m.repeated = map[string]bool{}
		}
		m.object[name], m.repeated[name] = []any{before, value}, true
	}
}

// with returns the value of an element with that text.
func (m *members) with(text string) any {
	if len(m.object) == 0 {
		return text
	}
	if text != "" {
		m.object[textName] = text
	}
	return m.object
}

// countAttributes returns how many attributes there are, or more: what looks like one within text counts too. The decoder
// makes all of an element at once, and each takes far more memory than its bytes.
func countAttributes(text []byte) (count int) {
	for {
		_, after, found := bytes.Cut(text, []byte("="))
		if !found {
			return count
		}
		text = bytes.TrimLeft(after, " \t\r\n")
		if len(text) > 0 && (text[0] == '"' || text[0] == '\'') {
			count++
		}
	}
}

// maxXMLError bounds what is told of an error, in bytes. It may quote a name as long as the body.
const maxXMLError = 200

// xmlError says why a text was not read to its end.
func xmlError(err error) error {
	var syntax *xml.SyntaxError
	switch {
	case errors.Is(err, io.EOF):
		return errors.New("is not XML: it has no element")
	case errors.As(err, &syntax):
		return fmt.Errorf("is not XML: %s in line %d", bounded(syntax.Msg, maxXMLError), syntax.Line)
	default:
		return fmt.Errorf("is not XML: %s", bounded(err.Error(), maxXMLError))
	}
}
