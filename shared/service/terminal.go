package service

import (
	"fmt"
	"io"
	"os"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/mattn/go-isatty"
)

// IsTerminal reports whether out is a terminal, so that a person reads what is written to it. A writer that passes on
// what it gets may have a method IsTerminal that says so.
func IsTerminal(out io.Writer) bool {
	if terminal, ok := out.(interface{ IsTerminal() bool }); ok {
		return terminal.IsTerminal()
	}
	file, ok := out.(*os.File)
	return ok && isatty.IsTerminal(file.Fd())
}

// EscapeJSON returns a writer for documents in JSON, each in one Write, that a terminal is to show. It writes everything
// that is not printable as \uXXXX, which is the same to whoever parses it. encoding/json escapes the controls of ASCII
// alone, but terminals take U+009B for the beginning of a command too, and U+202E turns the text around.
func EscapeJSON(out io.Writer) io.Writer { return jsonEscaper{out} }

type jsonEscaper struct{ out io.Writer }

func (e jsonEscaper) Write(document []byte) (int, error) {
	escaped := make([]byte, 0, len(document))
	for rest := document; len(rest) > 0; {
		r, size := utf8.DecodeRune(rest)
		if r == '\n' || unicode.IsPrint(r) && (r != utf8.RuneError || size > 1) {
			escaped = append(escaped, rest[:size]...)
		} else if high, low := utf16.EncodeRune(r); high != utf8.RuneError {
			escaped = fmt.Appendf(escaped, `\u%04x\u%04x`, high, low)
		} else {
			escaped = fmt.Appendf(escaped, `\u%04x`, r)
		}
		rest = rest[size:]
	}
	if _, err := e.out.Write(escaped); err != nil {
		return 0, err
	}
	return len(document), nil
}
