package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"sluice.internal/shared/stream/admin"
	"sluice.internal/sluice/cli/term"
	"sluice.internal/sluice/find"
)

// findCommand is `sluice find`: what became of a notification, in one answer. What is looked for and in which order is the
// business of package find; this chooses how long and prints the answer.
type findCommand struct {
	Text  string        `arg:"" help:"Sender's id, receipt, request id, key, chat or phone number."`
	Since moment        `placeholder:"TIME" help:"Only what was stored since: 1h is an hour ago; or a time as in RFC 3339."`
	Limit int           `placeholder:"N" default:"20" help:"Tell the newest N at most (default: ${default})."`
	Time  time.Duration `placeholder:"DURATION" default:"30s" help:"Look no longer than that (default: ${default})."`
	JSON  bool          `name:"json" help:"Print one JSON object a line."`
	connectFlags
}

func (findCommand) Help() string {
	return `Looks through notifications, events, retries, dead letters, rejections and records for the text, and tells what ` +
		`happened in order: arrived, refused, folded into an event, became one, failed, is parked or dead, was handled by which ` +
		`group. When a group handled something is not recorded. The newest is looked at first. When the time is over, it says how ` +
		`far it came; --time lets it look longer, --since makes it look at less.

Example:

    sluice find 79001234567`
}

// Validate refuses what can't be meant.
func (c *findCommand) Validate() error {
	switch {
	case strings.TrimSpace(c.Text) == "":
		return errors.New("say what to look for")
	case c.Limit < 1:
		return errors.New("--limit must be 1 or more")
	case c.Time < time.Second:
		return errors.New("--time must be 1s or more")
	}
	return nil
}

// Run looks and prints what it found.
func (c *findCommand) Run(ctx context.Context, s *session) error {
	return c.withStreams(ctx, s, func(streams *admin.Client) error {
		progress := term.NewProgress(s.diagnostics)
		settings := find.Settings{Interpret: interpret, Limit: c.Limit, Time: c.Time, Since: c.Since.at}
		if progress.Watched() {
			settings.Watch = func(name string, back time.Time) { progress.Show("%s: back to %s", name, term.Time(back)) }
		}
		answer, err := find.Run(ctx, streams, c.Text, settings)
		progress.Clear()
		if err != nil {
			return err
		}
		if c.JSON {
			return printFound(s.out, answer)
		}
		return writeFound(s.out, answer)
	})
}

// storyDocument is a story as --json prints it.
type storyDocument struct {
	// Kind is "story".
	Kind     string         `json:"kind"`
	Source   string         `json:"source,omitempty"`
	Type     string         `json:"type,omitempty"`
	Instance string         `json:"instance,omitempty"`
	OrderKey string         `json:"order_key,omitempty"`
	Key      string         `json:"key,omitempty"`
	Steps    []stepDocument `json:"steps"`
}

type stepDocument struct {
	At   time.Time `json:"at,omitzero"`
	What string    `json:"what"`
	Text string    `json:"text"`
	// Group is who did it; the others are the places that it is about.
	Group                string `json:"group,omitempty"`
	NotificationSequence uint64 `json:"notification_sequence,omitempty"`
	EventSequence        uint64 `json:"event_sequence,omitempty"`
	DeadSequence         uint64 `json:"dead_sequence,omitempty"`
	RejectionSequence    uint64 `json:"rejection_sequence,omitempty"`
	Attempt              int    `json:"attempt,omitempty"`
	Error                string `json:"error,omitempty"`
}

// lookedDocument says how far a stream was read.
type lookedDocument struct {
	// Kind is "looked".
	Kind     string    `json:"kind"`
	Stream   string    `json:"stream"`
	Messages uint64    `json:"messages"`
	Back     time.Time `json:"back_to,omitzero"`
	Complete bool      `json:"complete"`
}

func printFound(out *term.Output, answer *find.Answer) error {
	for i := range answer.Stories {
		story := &answer.Stories[i]
		document := storyDocument{
			Kind: "story", Source: story.Source, Type: story.Type, Instance: story.Instance, OrderKey: story.OrderKey, Key: story.Key,
		}
		for _, step := range story.Steps {
			document.Steps = append(document.Steps, stepDocument{
				At: step.At.UTC(), What: step.What, Text: step.Text, Group: step.Group, NotificationSequence: step.NotificationSequence,
				EventSequence: step.EventSequence, DeadSequence: step.DeadSequence, RejectionSequence: step.RejectionSequence,
				Attempt: step.Attempt, Error: step.Error,
			})
		}
		_ = out.Object(document) // An error comes again with the next flush.
	}
	for _, looked := range answer.Looked {
		_ = out.Object(lookedDocument{"looked", looked.Stream, looked.Messages, looked.Back.UTC(), looked.Complete})
	}
	return out.Flush()
}

// writeFound writes an answer for a person to read.
func writeFound(out *term.Output, answer *find.Answer) error {
	for i := range answer.Stories {
		story := &answer.Stories[i]
		var about []string
		for _, field := range []shownField{
			{"", story.Type}, {"instance ", story.Instance}, {"chat ", story.OrderKey}, {"source ", story.Source}, {"key ", story.Key},
		} {
			if field.value != "" {
				about = append(about, field.name+field.value)
			}
		}
		_ = out.Line("%s", term.Printable(strings.Join(about, ", ")))
		for _, step := range story.Steps {
			_ = out.Line("  %-19s  %s", term.Time(step.At), term.Printable(step.Text))
		}
		_ = out.Line("")
	}
	if len(answer.Stories) == 0 {
		_ = out.Line("Nothing found.")
	}
	if answer.Limited {
		_ = out.Line("There may be older ones; --limit tells more.")
	}
	_ = out.Line("Looked at %s.", lookedAt(answer.Looked))
	return out.Flush()
}

// lookedAt says in a sentence how far each stream was read.
func lookedAt(all []find.Looked) string {
	var whole, parts []string
	for _, looked := range all {
		switch {
		case looked.Complete:
			whole = append(whole, looked.Stream)
		case looked.Messages == 0:
			parts = append(parts, "none of "+looked.Stream)
		default:
			parts = append(parts, fmt.Sprintf("%s back to %s", looked.Stream, term.Time(looked.Back)))
		}
	}
	if len(whole) > 0 {
		parts = append([]string{"all of " + strings.Join(whole, ", ")}, parts...)
	}
	return strings.Join(parts, "; ")
}
