package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream/admin"
	"sluice.internal/sluice/cli/term"
)

// rejectionsShowCommand is `sluice rejections show`.
type rejectionsShowCommand struct {
	Sequences []uint64 `arg:"" name:"sequence" help:"Sequence of a rejection, as the listing has it."`
	showFlags
}

func (rejectionsShowCommand) Help() string {
	return `What is probably wrong, where it came from, the headers without their secrets, and the body.

Example:

    sluice rejections show 17`
}

// Run shows rejections.
func (c *rejectionsShowCommand) Run(ctx context.Context, s *session) error {
	return c.withStreams(ctx, s, func(streams *admin.Client) error {
		return sequenceView[notification.Rejection]{
			get: streams.Rejection, notFound: admin.ErrNoRejection, missing: noRejection,
			document: func(item *notification.Rejection) any { return newRejectionDocument(item) },
			write:    writeRejection,
		}.show(ctx, s, c.Sequences, c.JSON)
	})
}

// noRejection is the sentence for a sequence that has none, or none any more.
func noRejection(sequence uint64) error {
	return fmt.Errorf("there is no rejection %d; `sluice rejections` lists those there are", sequence)
}

// writeRejection writes everything about a rejection for a person to read. One that stands for requests that were only
// counted has no headers and no body.
func writeRejection(out *term.Output, rejection *notification.Rejection) error {
	_ = out.Line("rejection %d: %s", rejection.Sequence, term.Printable(rejection.Cause)) // The error comes with the last line.
	writeFields(out, rejectionFields(rejection))
	if rejection.Skipped > 0 {
		return out.Flush() // Which has the error of any line before.
	}
	_ = out.Line("headers")
	for _, name := range slices.Sorted(maps.Keys(rejection.Header)) {
		for _, value := range rejection.Header[name] {
			_ = out.Line("  %s", term.Printable(name+": "+value))
		}
	}
	size := term.Counted(len(rejection.Body), "byte")
	if rejection.Truncated {
		size = "of which only the beginning was kept, " + size
	}
	_ = out.Line("body, %s", size)
	return term.WriteBody(out, rejection.Body)
}

// rejectionFields are the lines above the headers, what is probably wrong first.
func rejectionFields(rejection *notification.Rejection) []shownField {
	request := ""
	if rejection.Method != "" {
		request = rejection.Method + " " + rejection.Path
	}
	return []shownField{
		{"probably", rejection.Detail},
		{"received", term.Time(rejection.ReceivedAt)},
		{"source", rejection.Source},
		{"request", request},
		{"from", rejection.RemoteAddress},
		{"request id", rejection.RequestID},
		{"content type", rejection.ContentType},
	}
}
