package notification

import (
	"bytes"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// byteOrderMark is what some programs write before text in UTF-8. RFC 8259 lets readers ignore it.
const byteOrderMark = "\ufeff"

// withoutMark returns the body without its byte order mark.
func withoutMark(body []byte) []byte { return bytes.TrimPrefix(body, []byte(byteOrderMark)) }

// repair is a place in a repaired body where the sender's text was no JSON.
type repair struct {
	// offset is within the token that was repaired, or before the bracket behind a comma that was left out.
	offset  int
	message string
}

// maxRepairs is how many repairs are told of. All are made.
const maxRepairs = 100

// repairBody returns the body as it is plainly meant: numbers without their leading zeros, objects and arrays without the
// comma behind their last member, strings with escapes for line ends, and with U+FFFD for what is no character: bytes that
// are no UTF-8, and halves of surrogate pairs, which is what is left of an emoji where a sender cuts a text. Everything else
// stays as it is, so that what was no JSON for another reason still is none. Repairs is empty when there was nothing to repair.
//
// It runs over the body once, and the result is at most three times as long.
func repairBody(body []byte) (fixed []byte, repairs []repair) {
	r := repairer{body: body, fixed: make([]byte, 0, len(body)+16)}
	for r.at < len(body) {
		r.token()
	}
	return r.fixed, r.repairs
}

type repairer struct {
	body    []byte
	at      int
	fixed   []byte
	repairs []repair
	// last is the byte before, apart from white space; 0 at first.
	last byte
}

func (r *repairer) note(offset int, message string) {
	if len(r.repairs) < maxRepairs {
		r.repairs = append(r.repairs, repair{offset, message})
	}
}

// token copies what begins at the present place: a string, a number, or one byte.
func (r *repairer) token() {
	switch c := r.body[r.at]; {
	case c == '"':
		r.string()
	case isDigit(c):
		r.number()
	case c == ',' && r.isTrailing():
		r.note(len(r.fixed), "has a comma behind its last member")
		r.at++
		return // What was before the comma is still the last.
	case isSpace(c):
		r.copyByte()
		return
	default:
		r.copyByte()
	}
	r.last = r.body[r.at-1]
}

func (r *repairer) copyByte() {
	r.fixed = append(r.fixed, r.body[r.at])
	r.at++
}

// string copies a string to its end, or to that of the body.
func (r *repairer) string() {
	begin, broken, replaced := len(r.fixed), false, false
	for r.copyByte(); r.at < len(r.body); {
		switch c := r.body[r.at]; {
		case c == '"':
			r.copyByte()
			return
		case c == '\\':
			if r.escape() && !replaced {
				replaced = true
				r.note(begin, "is a string with half a surrogate pair in it, read as U+FFFD")
			}
		case c == '\n', c == '\r':
			r.fixed = append(r.fixed, '\\', map[byte]byte{'\n': 'n', '\r': 'r'}[c])
			r.at++
			if !broken {
				broken = true
				r.note(begin, "is a string with a line feed in it")
			}
		case c < utf8.RuneSelf:
			r.copyByte()
		default:
			if r.character() && !replaced {
				replaced = true
				r.note(begin, "is a string with bytes in it that are no UTF-8, read as U+FFFD")
			}
		}
	}
}

// character copies a character beyond ASCII. It reports whether U+FFFD had to take the place of bytes that are none.
func (r *repairer) character() (replaced bool) {
	one, size := utf8.DecodeRune(r.body[r.at:])
	r.fixed = utf8.AppendRune(r.fixed, one)
	r.at += size
	return one == utf8.RuneError && size == 1
}

// escape copies what a backslash begins: \" or \n, \u and four digits, or two of these for a character beyond them. It reports
// whether U+FFFD had to take the place of a half of such a pair.
func (r *repairer) escape() (replaced bool) {
	unit, ok := r.escapedUnit(r.at)
	switch {
	case !ok:
		r.copyByte()
		if r.at < len(r.body) && r.body[r.at] < utf8.RuneSelf {
			r.copyByte()
		}
		return false
	case !utf16.IsSurrogate(unit):
		r.fixed = append(r.fixed, r.body[r.at:r.at+escapedSize]...)
		r.at += escapedSize
		return false
	}
	if low, ok := r.escapedUnit(r.at + escapedSize); ok && utf16.DecodeRune(unit, low) != utf8.RuneError {
		r.fixed = append(r.fixed, r.body[r.at:r.at+2*escapedSize]...)
		r.at += 2 * escapedSize
		return false
	}
	r.fixed = utf8.AppendRune(r.fixed, utf8.RuneError)
	r.at += escapedSize
	return true
}

// escapedSize is the length of \u and four digits.
const escapedSize = 6

// escapedUnit returns the unit of UTF-16 that is escaped at a place; ok is false where there is none.
func (r *repairer) escapedUnit(at int) (unit rune, ok bool) {
	if at+escapedSize > len(r.body) || r.body[at] != '\\' || r.body[at+1] != 'u' {
		return 0, false
	}
	number, err := strconv.ParseUint(string(r.body[at+2:at+escapedSize]), 16, 16)
	return rune(number), err == nil
}

// number copies the digits that a number begins with, without zeros before its first other digit. Digits behind a point, an
// exponent or a letter are no beginning.
func (r *repairer) number() {
	if bytes.IndexByte([]byte("{[,:-"), r.last) < 0 || r.last == '-' && !r.isMinus() {
		r.digits()
		return
	}
	begin := r.at
	for r.body[r.at] == '0' && r.at+1 < len(r.body) && isDigit(r.body[r.at+1]) {
		r.at++
	}
	if r.at > begin {
		r.note(len(r.fixed), "is a number with leading zeros")
	}
	r.digits()
}

func (r *repairer) digits() {
	for r.at < len(r.body) && isDigit(r.body[r.at]) {
		r.copyByte()
	}
}

// isMinus reports whether the minus before the present place begins a number, as that of an exponent does not.
func (r *repairer) isMinus() bool {
	return r.body[r.at-1] == '-' && (r.at < 2 || r.body[r.at-2] != 'e' && r.body[r.at-2] != 'E')
}

// isTrailing reports whether the comma at the present place is behind a value and before a closing bracket.
func (r *repairer) isTrailing() bool {
	if bytes.IndexByte([]byte("{[,:\x00"), r.last) >= 0 {
		return false
	}
	for _, c := range r.body[r.at+1:] {
		if !isSpace(c) {
			return c == '}' || c == ']'
		}
	}
	return false
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }
