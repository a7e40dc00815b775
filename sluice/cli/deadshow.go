package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
)

type deadShowCommand struct {
	Sequences []uint64 `arg:"" name:"sequence" help:"Sequence of a dead letter, as the listing has it."`
	JSON      bool     `name:"json" help:"Print one JSON object a line."`
	reach
}

func (deadShowCommand) Help() string {
	return `Every fault, every try with its time and error, where it came from, and the body.

Example:

    sluice dead show 17`
}

// Run shows dead letters.
func (c *deadShowCommand) Run(ctx context.Context, s *session) error {
	return c.look(ctx, s, func(streams *stream.Streams) error {
		return shower[notification.DeadLetter]{
			get: streams.DeadLetter, gone: stream.ErrNoDeadLetter, absent: noLetter,
			document: func(item *notification.DeadLetter) any { return newDeadDocument(item) },
			write:    showLetter,
		}.show(ctx, s, c.Sequences, c.JSON)
	})
}

func noLetter(sequence uint64) error {
	return fmt.Errorf("there is no dead letter %d; `sluice dead` lists those there are", sequence)
}

// showLetter writes everything about a dead letter for a person to read.
func showLetter(out *output, letter *notification.DeadLetter, apart bool) error {
	if apart {
		_ = out.line("")
	}
	_ = out.line("dead letter %d: %s", letter.DeadSequence, letter.Reason)
	for _, field := range letterFields(letter) {
		if field.value != "" {
			_ = out.line("  %-16s  %s", field.name, printable(field.value))
		}
	}
	if len(letter.Faults) > 0 {
		_ = out.line("faults")
		for _, fault := range letter.Faults {
			_ = out.line("  %s", printable(strings.TrimSpace(fault.Pointer+" "+fault.Message)))
		}
	}
	if len(letter.History) > 0 {
		_ = out.line("tries")
		for _, try := range letter.History {
			_ = out.line("  %s  %3d  %s", when(try.At), try.Attempt, printable(try.Error))
		}
	}
	_ = out.line("body, %s", counted(len(letter.Body), "byte"))
	showBody(out, letter.Body)
	return out.flush() // Which has the error of any line before.
}

type letterField struct{ name, value string }

func letterFields(letter *notification.DeadLetter) []letterField {
	fields := []letterField{
		{"error", letter.Error},
		{"died", when(letter.DiedAt)},
		{"group", letter.Group},
		{"source", letter.Source},
		{"type", letter.Type},
		{"instance", letter.Instance},
		{"order key", letter.OrderKey},
		{"key", letter.Key},
		{"received", when(letter.ReceivedAt)},
		{"sent", when(letter.SentAt)},
		{"first failed", when(letter.FirstFailedAt)},
		{"notification", number(letter.NotificationSequence)},
		{"event", number(letter.Sequence)},
		{"round", letter.Round},
		{"replayed", map[bool]string{true: "yes"}[letter.Replayed]},
		{"from", letter.RemoteAddress},
		{"request", letter.RequestID},
		{"traceparent", letter.TraceParent},
		{"content type", letter.ContentType},
		{"content encoding", letter.ContentEncoding},
	}
	for _, name := range slices.Sorted(maps.Keys(letter.Header)) {
		fields = append(fields, letterField{"header", name + ": " + letter.Header[name]})
	}
	return fields
}

// number is a place in a stream, empty for none.
func number(n uint64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatUint(n, 10)
}

// showBody writes a body so that it does no harm to a terminal: JSON in several lines, other text as it is, and what
// is no text in hexadecimal.
func showBody(out *output, body []byte) {
	var pretty bytes.Buffer
	switch {
	case !utf8.Valid(body):
		_ = out.line("  %x", body)
		return
	case json.Indent(&pretty, body, "", "  ") == nil:
		body = pretty.Bytes()
	}
	for line := range strings.Lines(string(body)) {
		_ = out.line("  %s", printable(strings.TrimRight(line, "\r\n")))
	}
}
