package stream

import (
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"sluice.internal/shared/notification"
)

// maxToken is the most bytes of a value that a subject carries. The whole value is in the headers.
const maxToken = 64

// Token makes any text fit for one token of a subject: what is not printable, white space and the characters
// that mean something in a subject become "_", and so does an empty text. Different texts may make the same
// token, so a token serves to filter and never to identify.
func Token(text string) string {
	if isPlainToken(text) {
		return text
	}
	if text == "" {
		return "_"
	}
	var token strings.Builder
	for _, r := range text {
		if r == utf8.RuneError || r == '.' || r == '*' || r == '>' || unicode.IsSpace(r) || !unicode.IsPrint(r) {
			r = '_'
		}
		if token.Len()+utf8.RuneLen(r) > maxToken {
			break
		}
		token.WriteRune(r)
	}
	return token.String()
}

// isPlainToken tells whether the text is a token as it is, which nearly all are.
func isPlainToken(text string) bool {
	if text == "" || len(text) > maxToken {
		return false
	}
	for i := range len(text) {
		c := text[i]
		if c <= ' ' || c > '~' || c == '.' || c == '*' || c == '>' {
			return false
		}
	}
	return true
}

// shardOf keeps the order of arrival of one instance: all its notifications are in one shard. What names no
// instance is in shard 0.
func shardOf(instance string, shards int) int {
	if instance == "" {
		return 0
	}
	return bucket(shards, instance)
}

// laneOf keeps in one lane what must stay in order.
func laneOf(instance, orderKey string, lanes int) int {
	return bucket(lanes, instance, orderKey)
}

func bucket(count int, parts ...string) int {
	sum := fnv.New32a()
	for i, part := range parts {
		if i > 0 {
			sum.Write([]byte{0})
		}
		sum.Write([]byte(part))
	}
	return int(sum.Sum32() % uint32(count)) //nolint:gosec // Counts are below a thousand.
}

func notificationSubject(shard int, source string) string {
	return "in." + strconv.Itoa(shard) + "." + Token(source)
}

func eventSubject(event *notification.Event) string {
	return fmt.Sprintf("events.%d.%s.%s.%s", event.Lane, Token(event.Source), Token(event.Type), Token(event.Instance))
}

func deadLetterSubject(letter *notification.DeadLetter) string {
	return "dead." + Token(letter.Reason) + "." + Token(letter.Source) + "." + Token(letter.Type) + "." + Token(letter.Group)
}

func alertSubject(alert *notification.Alert) string { return "alert." + alert.Fingerprint() }
