package forwarded

import (
	"net/netip"
	"strings"
)

// lastUnquotedComma finds the comma before the last element of a Forwarded header line, -1 when there is none.
// It reads from the right: the last element is a trusted proxy's and well-formed, and a quote that a client
// left open on its left can't swallow it.
func lastUnquotedComma(line string) int {
	quoted := false
	for i := len(line) - 1; i >= 0; i-- {
		switch {
		case line[i] == '"' && (!quoted || !isEscaped(line, i)):
			quoted = !quoted
		case line[i] == ',' && !quoted:
			return i
		}
	}
	return -1
}

// isEscaped reports whether an odd number of backslashes stands before the character at i.
func isEscaped(line string, i int) bool {
	before := strings.TrimRight(line[:i], `\`)
	return (i-len(before))%2 == 1
}

// parseForwarded returns the address in the for parameter of one element of a Forwarded header (RFC 7239,
// section 4), the zero Addr when there is not exactly one that is an address.
func parseForwarded(element string) netip.Addr {
	node, seen := "", false
	for rest, more := element, true; more; {
		var name, value string
		var ok bool
		name, value, rest, more, ok = nextPair(rest)
		if !ok || seen && strings.EqualFold(name, "for") {
			return netip.Addr{}
		}
		if strings.EqualFold(name, "for") {
			node, seen = value, true
		}
	}
	return parseNode(node)
}

// nextPair takes the first name=value off an element; more says that a semicolon follows. A name may be empty,
// since some proxies leave a semicolon at the end.
func nextPair(text string) (name, value, rest string, more, ok bool) {
	text = strings.TrimSpace(text)
	if text == "" || text[0] == ';' {
		rest, more = strings.CutPrefix(text, ";")
		return "", "", rest, more, true
	}
	name, text, ok = strings.Cut(text, "=")
	if !ok || strings.ContainsAny(name, "\";, \t") {
		return "", "", "", false, false
	}
	if strings.HasPrefix(text, `"`) {
		value, rest, ok = unquote(text[1:])
	} else {
		end := strings.IndexByte(text, ';')
		if end < 0 {
			end = len(text)
		}
		value, rest = strings.TrimSpace(text[:end]), text[end:]
		ok = !strings.ContainsAny(value, "\" \t")
	}
	rest, more = strings.CutPrefix(strings.TrimSpace(rest), ";")
	return name, value, rest, more, ok && (more || rest == "")
}

// unquote reads a quoted string up to its closing quote.
func unquote(text string) (value, rest string, ok bool) {
	var plain strings.Builder
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			return plain.String(), text[i+1:], true
		case '\\':
			i++
			if i == len(text) {
				return "", "", false
			}
		}
		plain.WriteByte(text[i])
	}
	return "", "", false
}
