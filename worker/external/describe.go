package external

import (
	"strconv"
	"strings"
	"time"

	"sluice.internal/worker/handler"
)

// field is one thing that is known about an event. Names are those of header fields, such as "Order-Key".
type field struct{ name, value string }

// describe returns what is known about an event beside its body. What is empty or false is left out.
func describe(event handler.Event[handler.Document]) []field {
	all := []field{
		{"Key", event.Key},
		{"Type", event.Type},
		{"Source", event.Source},
		{"Provider", event.Provider},
		{"Instance", event.Instance},
		{"Order-Key", event.OrderKey},
		{"Group", event.Group},
		{"Sequence", strconv.FormatUint(event.Sequence, 10)},
		{"Attempt", strconv.Itoa(event.Attempt)},
		{"Received-At", event.ReceivedAt.UTC().Format(time.RFC3339Nano)},
		{"Sent-At", sentAt(event.SentAt)},
		{"Replayed", flag(event.Replayed)},
		{"Answer-Again", flag(event.AnswerAgain)},
		{"Outdated", flag(event.Outdated)},
		{"Faults", faults(event)},
	}
	known := all[:0]
	for _, one := range all {
		if one.value = printable(one.value); one.value != "" {
			known = append(known, one)
		}
	}
	return known
}

func sentAt(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format(time.RFC3339Nano)
}

func flag(set bool) string {
	if set {
		return "true"
	}
	return ""
}

// maxFaults is how many faults are told: a header has to stay within what servers take.
const maxFaults = 10

// faults says in a line how the body differs from its schema.
func faults(event handler.Event[handler.Document]) string {
	var lines []string
	for _, fault := range event.Faults[:min(len(event.Faults), maxFaults)] {
		lines = append(lines, strings.TrimSpace(fault.Pointer+" "+fault.Message))
	}
	return strings.Join(lines, "; ")
}

// maxValue is the length, in bytes, from which on a value is cut.
const maxValue = 1024

// printable leaves out what can't stand in a header or a variable: controls, and what is too long. Nothing is encoded, since
// nobody would decode it.
func printable(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == '\uFFFD' {
			return -1
		}
		return r
	}, text)
	if len(text) > maxValue {
		text = strings.ToValidUTF8(text[:maxValue], "")
	}
	return strings.TrimSpace(text)
}
