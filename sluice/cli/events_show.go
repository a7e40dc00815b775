package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream/admin"
	"sluice.internal/sluice/cli/term"
)

// eventsShowCommand is `sluice events show`.
type eventsShowCommand struct {
	Sequences []uint64 `arg:"" name:"sequence" help:"Sequence of an event, as the listing has it."`
	showFlags
}

func (eventsShowCommand) Help() string {
	return `Where it came from, every fault of its body, and the body.

Example:

    sluice events show 17`
}

// Run shows events.
func (c *eventsShowCommand) Run(ctx context.Context, s *session) error {
	return c.withStreams(ctx, s, func(streams *admin.Client) error {
		return sequenceView[notification.Event]{
			get: streams.Event, notFound: admin.ErrNoEvent,
			missing: func(sequence uint64) error {
				return fmt.Errorf("there is no event %d; `sluice events` lists those there are", sequence)
			},
			document: func(item *notification.Event) any { return newEventDocument(item) },
			write:    writeEvent,
		}.show(ctx, s, c.Sequences, c.JSON)
	})
}

// writeEvent writes everything about an event for a person to read, and last the body, which may be long.
func writeEvent(out *term.Output, event *notification.Event) error {
	_ = out.Line("event %d: %s", event.Sequence, term.Printable(event.Type)) // The error comes with the last line.
	fields := []shownField{
		{"source", event.Source},
		{"instance", event.Instance},
		{"order key", event.OrderKey},
		{"lane", strconv.Itoa(event.Lane)},
		{"key", event.Key},
		{"received", term.Time(event.ReceivedAt)},
		{"sent", term.Time(event.SentAt)},
		{"outdated", map[bool]string{true: "yes"}[event.Outdated]},
		{"notification", number(event.NotificationSequence)},
		{"part", partOf(&event.Origin)},
		{"from", event.RemoteAddress},
		{"request", event.RequestID},
		{"traceparent", event.TraceParent},
		{"content type", event.ContentType},
	}
	for _, name := range slices.Sorted(maps.Keys(event.Header)) {
		fields = append(fields, shownField{"header", name + ": " + event.Header[name]})
	}
	writeFields(out, fields)
	writeFaults(out, event.Faults)
	_ = out.Line("body, %s", term.Counted(len(event.Body), "byte"))
	return term.WriteBody(out, event.Body)
}

// partOf says which part of its notification something is, empty for a whole one.
func partOf(origin *notification.Origin) string {
	if origin.Part == 0 {
		return ""
	}
	return fmt.Sprintf("%d of %d", origin.Part, origin.Parts)
}

// writeFaults writes how a body differs from its schema, nothing when it does not.
func writeFaults(out *term.Output, faults []notification.Fault) {
	if len(faults) == 0 {
		return
	}
	_ = out.Line("faults")
	for _, fault := range faults {
		_ = out.Line("  %s", term.Printable(strings.TrimSpace(fault.Pointer+" "+fault.Message)))
	}
}
