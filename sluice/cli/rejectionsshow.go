package cli

import (
	"context"
	"errors"
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
		shown, missing := 0, false
		for _, sequence := range c.Sequences {
			rejection, err := streams.Rejection(ctx, sequence)
			switch {
			case errors.Is(err, stream.ErrNoRejection):
				s.complain("%v", noRejection(sequence))
				missing = true
				continue
			case err != nil:
				return err
			case c.JSON:
				err = s.out.object(newRejectionDocument(&rejection))
			default:
				err = showRejection(s.out, &rejection, shown > 0)
			}
			if err != nil {
				return err
			}
			shown++
		}
		if missing {
			return errTold
		}
		return nil
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
