package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream/admin"
	"sluice.internal/sluice/cli/term"
)

// deadShowCommand is `sluice dead show`.
type deadShowCommand struct {
	Sequences []uint64 `arg:"" name:"sequence" help:"Sequence of a dead letter, as the listing has it."`
	showFlags
}

func (deadShowCommand) Help() string {
	return `Every fault, every try with its time and error, where it came from, and the body.

Example:

    sluice dead show 17`
}

// Run shows dead letters.
func (c *deadShowCommand) Run(ctx context.Context, s *session) error {
	return c.withStreams(ctx, s, func(streams *admin.Client) error {
		return sequenceView[notification.DeadLetter]{
			get: streams.DeadLetter, notFound: admin.ErrNoDeadLetter, missing: noDeadLetter,
			document: func(item *notification.DeadLetter) any { return newDeadLetterDocument(item) },
			write:    writeDeadLetter,
		}.show(ctx, s, c.Sequences, c.JSON)
	})
}

// noDeadLetter is the sentence for a sequence that has none, or none any more.
func noDeadLetter(sequence uint64) error {
	return fmt.Errorf("there is no dead letter %d; `sluice dead` lists those there are", sequence)
}

// writeDeadLetter writes everything about a dead letter for a person to read: what it is, what is wrong, what was tried,
// and last the body, which may be long.
func writeDeadLetter(out *term.Output, deadLetter *notification.DeadLetter) error {
	_ = out.Line("dead letter %d: %s", deadLetter.DeadSequence, deadLetter.Reason) // The error comes with the last line.
	writeFields(out, deadLetterFields(deadLetter))
	writeFaults(out, deadLetter.Faults)
	if len(deadLetter.History) > 0 {
		_ = out.Line("tries")
		for _, try := range deadLetter.History {
			_ = out.Line("  %s  %3d  %s", term.Time(try.At), try.Attempt, term.Printable(try.Error))
		}
	}
	if deadLetter.BodyOmitted() {
		return out.Line("body left out, because the store took no message of %s, SHA-256 %s",
			term.Counted(deadLetter.BodySize, "byte"), deadLetter.BodySHA256)
	}
	_ = out.Line("body, %s", term.Counted(len(deadLetter.Body), "byte"))
	return term.WriteBody(out, deadLetter.Body)
}

// deadLetterFields are the lines between the heading and the faults, what is wrong first. Those without a value are left
// out when they are written.
func deadLetterFields(deadLetter *notification.DeadLetter) []shownField {
	fields := []shownField{
		{"error", deadLetter.Error},
		{"died", term.Time(deadLetter.DiedAt)},
		{"group", deadLetter.Group},
		{"source", deadLetter.Source},
		{"type", deadLetter.Type},
		{"instance", deadLetter.Instance},
		{"order key", deadLetter.OrderKey},
		{"key", deadLetter.Key},
		{"received", term.Time(deadLetter.ReceivedAt)},
		{"sent", term.Time(deadLetter.SentAt)},
		{"first failed", term.Time(deadLetter.FirstFailedAt)},
		{"notification", number(deadLetter.NotificationSequence)},
		{"part", partOf(&deadLetter.Origin)},
		{"event", number(deadLetter.Sequence)},
		{"round", deadLetter.Round},
		{"replayed", map[bool]string{true: "yes"}[deadLetter.Replayed]},
		{"from", deadLetter.RemoteAddress},
		{"request", deadLetter.RequestID},
		{"traceparent", deadLetter.TraceParent},
		{"content type", deadLetter.ContentType},
		{"content encoding", deadLetter.ContentEncoding},
	}
	for _, name := range slices.Sorted(maps.Keys(deadLetter.Header)) {
		fields = append(fields, shownField{"header", name + ": " + deadLetter.Header[name]})
	}
	return fields
}

// number is a sequence in a stream, empty for none.
func number(n uint64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatUint(n, 10)
}
