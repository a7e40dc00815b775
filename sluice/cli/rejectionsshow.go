package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
)

type rejectionsShowCommand struct {
	Sequences []uint64 `arg:"" name:"sequence" help:"Sequence of a rejection, as the listing has it."`
	JSON      bool     `name:"json" help:"Print one JSON object a line."`
	reach
}

func (rejectionsShowCommand) Help() string {
	return `What is probably wrong, where it came from, the headers without their secrets, and the body.

Example:

    sluice rejections show 17`
}

// Run shows rejections.
func (c *rejectionsShowCommand) Run(ctx context.Context, s *session) error {
	return c.look(ctx, s, func(streams *stream.Streams) error {
		return shower[notification.Rejection]{
			get: streams.Rejection, gone: stream.ErrNoRejection, absent: noRejection,
			document: func(item *notification.Rejection) any { return newRejectionDocument(item) },
			write:    showRejection,
		}.show(ctx, s, c.Sequences, c.JSON)
	})
}

func noRejection(sequence uint64) error {
	return fmt.Errorf("there is no rejection %d; `sluice rejections` lists those there are", sequence)
}

// showRejection writes everything about a rejection for a person to read.
func showRejection(out *output, rejection *notification.Rejection, apart bool) error {
	if apart {
		_ = out.line("")
	}
	_ = out.line("rejection %d: %s", rejection.Sequence, printable(rejection.Cause))
	for _, field := range rejectionFields(rejection) {
		if field.value != "" {
			_ = out.line("  %-16s  %s", field.name, printable(field.value))
		}
	}
	if rejection.Skipped > 0 {
		return out.flush() // Which has the error of any line before.
	}
	_ = out.line("headers")
	for _, name := range slices.Sorted(maps.Keys(rejection.Header)) {
		for _, value := range rejection.Header[name] {
			_ = out.line("  %s", printable(name+": "+value))
		}
	}
	size := counted(len(rejection.Body), "byte")
	if rejection.Truncated {
		size = "of which only the beginning was kept, " + size
	}
	_ = out.line("body, %s", size)
	showBody(out, rejection.Body)
	return out.flush()
}

func rejectionFields(rejection *notification.Rejection) []letterField {
	request := ""
	if rejection.Method != "" {
		request = rejection.Method + " " + rejection.Path
	}
	return []letterField{
		{"probably", rejection.Detail},
		{"received", when(rejection.ReceivedAt)},
		{"source", rejection.Source},
		{"request", request},
		{"from", rejection.RemoteAddress},
		{"request id", rejection.RequestID},
		{"content type", rejection.ContentType},
	}
}
