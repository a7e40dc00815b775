// Package mention finds ids of people, accounts and messages in what senders send, whatever form that has: JSON with its
// escapes, forms, plain text, header fields.
package mention

import (
	"bytes"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// Mentions finds ids in texts of any form. The zero value finds none. It is safe for concurrent use.
type Mentions struct {
	// marked are ids that can be nothing else wherever they stand, such as 79001234567@c.us. Numbers are those that may as
	// well be a time or a size; they count where a field of a name for ids has them.
	marked  [][]byte
	numbers []*regexp.Regexp
	// persons are the numbers of chats of WhatsApp with one person, which have several domains and may name a device.
	persons [][]byte
}

// person is a chat of WhatsApp with one person.
var person = regexp.MustCompile(`^([0-9]+)@(?:c\.us|s\.whatsapp\.net)$`)

// personRest is what may follow the number in a chat of that person, at its beginning.
var personRest = regexp.MustCompile(`^(?:\.[0-9]+)?(?::[0-9]+)?@(?:c\.us|s\.whatsapp\.net)(?:[^0-9A-Za-z]|$)`)

// idField begins a field whose value is an id: chatId, sender, from, idInstance.
const idField = `(?i)"[^"\\]{0,60}(?:id|idinstance|chat|sender|from|to|phone|number|instance|participant|contact|author|user|account|wid)"\s*:\s*"?`

// New returns what finds the ids. A bare number is found in a field of a name for ids alone, and a chat of WhatsApp with one
// person in each of its spellings: 79001234567@c.us, 79001234567@s.whatsapp.net, 79001234567:3@c.us.
func New(ids ...string) Mentions {
	var m Mentions
	for _, id := range ids {
		if _, err := strconv.ParseInt(id, 10, 64); err == nil || len(strings.Trim(id, "+-0123456789")) == 0 {
			m.numbers = append(m.numbers, regexp.MustCompile(idField+regexp.QuoteMeta(id)+`(?:[^0-9A-Za-z.@-]|$)`))
		} else if match := person.FindStringSubmatch(id); match != nil {
			m.persons = append(m.persons, []byte(match[1]))
		} else {
			m.marked = append(m.marked, []byte(id))
		}
	}
	return m
}

// Anywhere returns what finds the ids wherever they stand, numbers too.
func Anywhere(ids ...string) Mentions {
	var m Mentions
	for _, id := range ids {
		m.marked = append(m.marked, []byte(id))
	}
	return m
}

// In reports whether a text has one of the ids. It copies the text at most twice.
func (m Mentions) In(text []byte) bool {
	if m.inPlain(text) {
		return true
	}
	if bytes.Contains(text, []byte(`\u`)) && m.inPlain(unescaped(text)) {
		return true
	}
	if bytes.IndexByte(text, '%') < 0 {
		return false
	}
	decoded, err := url.QueryUnescape(string(text)) // A form.
	return err == nil && m.inPlain([]byte(decoded))
}

func (m Mentions) inPlain(text []byte) bool {
	for _, id := range m.marked {
		if hasWhole(text, id) {
			return true
		}
	}
	for _, number := range m.persons {
		if hasBegin(text, number, personRest.Match) {
			return true
		}
	}
	for _, number := range m.numbers {
		if number.Match(text) {
			return true
		}
	}
	return false
}

// hasWhole reports whether the id stands in the text and is not a part of a longer one.
func hasWhole(text, id []byte) bool {
	return hasBegin(text, id, func(rest []byte) bool { return len(rest) == 0 || !isWord(rest[0]) })
}

// hasBegin reports whether an id begins somewhere in the text with these bytes and goes on as it has to.
func hasBegin(text, begin []byte, goesOn func(rest []byte) bool) bool {
	for from := 0; ; {
		at := bytes.Index(text[from:], begin)
		if at < 0 {
			return false
		}
		at += from
		if (at == 0 || !continuesBefore(text[at-1])) && goesOn(text[at+len(begin):]) {
			return true
		}
		from = at + 1
	}
}

// continuesBefore reports whether an id that follows the byte begins earlier. Ids of groups have a dash in the middle.
func continuesBefore(b byte) bool { return isWord(b) || b == '-' }

func isWord(b byte) bool {
	return '0' <= b && b <= '9' || 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z'
}

// escape is a character of ASCII as JSON may write it.
var escape = regexp.MustCompile(`\\u00[0-7][0-9A-Fa-f]`)

// unescaped writes the ASCII characters of a JSON text as they are. It is for finding ids and makes no valid JSON.
func unescaped(text []byte) []byte {
	return escape.ReplaceAllFunc(text, func(found []byte) []byte {
		code, err := strconv.ParseUint(string(found[2:]), 16, 8)
		if err != nil {
			return found
		}
		return []byte{byte(code)}
	})
}

// InMessage reports whether the body or a header field has one of the ids.
func (m Mentions) InMessage(header map[string][]string, body []byte) bool {
	if len(m.marked) == 0 && len(m.numbers) == 0 && len(m.persons) == 0 {
		return false
	}
	for _, values := range header {
		for _, value := range values {
			if m.In([]byte(value)) {
				return true
			}
		}
	}
	return m.In(body)
}
