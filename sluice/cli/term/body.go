package term

import (
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// A body is shown up to these bounds: 20 KB that are nested deeply would be 200 MB when they are indented.
const (
	maxBodyLines = 1000
	maxBodyBytes = 256 << 10
)

const bodyIndent = "  "

// WriteBody writes a body so that it does no harm to a terminal: JSON indented, other text line by line, and what is no
// text in hexadecimal. Of a long body it writes the beginning and says so, and it needs no more memory than that
// takes, whatever the body looks like. It flushes the output. Errors: *OutputError.
func WriteBody(out *Output, body []byte) error {
	lines := &bodyLines{out: out}
	var complete bool
	switch {
	case !utf8.Valid(body):
		complete = lines.hex(body)
	case json.Valid(body):
		complete = lines.indentJSON(body)
	default:
		complete = lines.text(body)
	}
	if len(lines.line) > 0 {
		lines.endLine()
	}
	if !complete {
		_ = out.Line(bodyIndent + "… and more; --json has all of it")
	}
	return out.Flush() // It has the error of any line before.
}

// bodyLines writes lines up to the bounds of a body. Its methods report whether everything was within them.
type bodyLines struct {
	out            *Output
	line           []byte
	lines, written int // of the lines that are ended
}

// add appends to the present line.
func (l *bodyLines) add(text ...byte) bool {
	if l.lines == maxBodyLines || l.written+len(l.line)+len(text) > maxBodyBytes {
		return false
	}
	l.line = append(l.line, text...)
	return true
}

// endLine writes the present line. An error of the output comes again when that is flushed.
func (l *bodyLines) endLine() {
	_ = l.out.Line("%s%s", bodyIndent, Printable(string(l.line)))
	l.lines, l.written, l.line = l.lines+1, l.written+len(l.line)+1, l.line[:0]
}

func (l *bodyLines) hex(body []byte) bool {
	const digits = "0123456789abcdef"
	for _, b := range body {
		if !l.add(digits[b>>4], digits[b&0xf]) {
			return false
		}
	}
	return true
}

func (l *bodyLines) text(body []byte) bool {
	for line := range strings.Lines(string(body)) {
		line = strings.TrimRight(line, "\r\n")
		if !l.add([]byte(line[:min(len(line), maxBodyBytes)])...) || len(line) > maxBodyBytes {
			return false
		}
		l.endLine()
	}
	return true
}

// indentJSON writes valid JSON as json.Indent does, which can't be stopped before its end.
func (l *bodyLines) indentJSON(body []byte) bool {
	j := &jsonIndenter{bodyLines: l}
	for _, b := range body {
		if j.inString {
			if !j.str(b) {
				return false
			}
		} else if !j.token(b) {
			return false
		}
	}
	return true
}

// jsonIndenter goes through valid JSON byte by byte.
type jsonIndenter struct {
	*bodyLines

	depth             int
	empty             bool // An object or array was opened and has nothing in it so far.
	inString, escaped bool
}

// str writes a byte of a string as it is.
func (j *jsonIndenter) str(b byte) bool {
	j.inString = j.escaped || b != '"'
	j.escaped = !j.escaped && b == '\\'
	return j.add(b)
}

// token writes a byte outside of strings, with the line ends and spaces that belong to it.
func (j *jsonIndenter) token(b byte) bool {
	switch b {
	case ' ', '\t', '\r', '\n':
		return true
	case '}', ']':
		j.depth--
		fits := (j.empty || j.newLine()) && j.add(b)
		j.empty = false
		return fits
	}
	if j.empty && !j.newLine() || !j.add(b) {
		return false
	}
	j.empty, j.inString = b == '{' || b == '[', b == '"'
	switch {
	case j.empty:
		j.depth++
	case b == ',':
		return j.newLine()
	case b == ':':
		return j.add(' ')
	}
	return true
}

func (j *jsonIndenter) newLine() bool {
	j.endLine()
	return j.add([]byte(strings.Repeat(bodyIndent, j.depth))...)
}
