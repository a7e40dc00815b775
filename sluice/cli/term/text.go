package term

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Printable replaces every rune that could move the cursor or change the direction of the text.
func Printable(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, text)
}

// Shorten cuts text to at most limit runes, the last of which then is an ellipsis.
func Shorten(text string, limit int) string {
	if utf8.RuneCountInString(text) <= limit {
		return text
	}
	return string([]rune(text)[:limit-1]) + "…"
}

// Time is a time for people, in their own time zone; empty for the zero time.
func Time(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format(time.DateTime) //nolint:gosmopolitan // For people.
}
