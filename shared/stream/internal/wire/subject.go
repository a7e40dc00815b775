package wire

import (
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"sluice.internal/shared/notification"
)

// maxToken is how many bytes of a value a subject carries at most. The whole value is in the headers.
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

// isPlainToken reports whether the text is a token as it is, which nearly all are.
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

// LaneOf keeps in one lane what must stay in order.
func LaneOf(instance, orderKey string, lanes int) int {
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

const (
	// maxDueParts is into how many subjects a group's due events are divided, and maxDuePartitions into how many consumers.
	// What is due has lost its place already, so that it needs fewer; what is replayed stays in order per chat.
	maxDueParts      = 16
	maxDuePartitions = 4
)

// Partitions returns the lanes of each partition: one, because the server looks for the next message of a consumer with
// several filters far more slowly than for that of one.
func Partitions(lanes int) [][]int { return spread(lanes, lanes) }

// DuePartitions returns the parts of what is due that each partition has.
func DuePartitions(lanes int) [][]int { return spread(DueParts(lanes), maxDuePartitions) }

func spread(count, most int) [][]int {
	parts := make([][]int, min(count, most))
	for i := range count {
		parts[i%len(parts)] = append(parts[i%len(parts)], i)
	}
	return parts
}

// DueSubject is the subject of a part of a group's due events.
func DueSubject(group string, part int) string { return "due." + group + "." + strconv.Itoa(part) }

// duePart is the part that a lane's events are in when they are due.
func duePart(lane, lanes int) int { return lane % DueParts(lanes) }

// DueParts is how many parts a group's due events have.
func DueParts(lanes int) int { return min(lanes, maxDueParts) }

// EventsOfLane is what the events of a lane match.
func EventsOfLane(lane int) string { return "events." + strconv.Itoa(lane) + ".>" }

// NoEvents matches nothing that is ever stored. It is for consumers that have to be there and have
// nothing to do.
const NoEvents = "events.moved.>"

// NothingDue is NoEvents of RETRIES, where no two consumers may have the same subject.
func NothingDue(group string, part int) string {
	return "due." + group + ".moved." + strconv.Itoa(part)
}

// ObjectSubject has a hash for the object, since different objects must not share a subject.
func ObjectSubject(event *notification.Event) string {
	return "object." + Token(event.Source) + "." + notification.Key(event.Instance, event.Object)
}

// NumberInSubject is the lane of an event's subject, the shard of a notification's.
func NumberInSubject(subject string) int {
	_, rest, _ := strings.Cut(subject, ".")
	token, _, _ := strings.Cut(rest, ".")
	number, err := strconv.Atoi(token)
	if err != nil {
		return 0
	}
	return number
}
