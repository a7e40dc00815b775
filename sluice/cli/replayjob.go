package cli

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
)

// replay is one replay on its way.
type replay struct {
	command *replayCommand
	session *session
	streams *stream.Streams
	began   time.Time
	// round makes handing an event over again happen once, where says to whom for people.
	round, where string
	pace         *pacer
	hand         func(context.Context, *notification.Event) error

	replayed    kinds
	first, last uint64 // of the events that were replayed
}

// run replays what was chosen, in its order, and ends at the first event that can't be. The error says where to go on.
func (r *replay) run(ctx context.Context) error {
	progress := newProgress(r.session.Stderr, 0)
	defer progress.clear()
	next := r.command.From
	for event, err := range r.streams.Events(ctx, r.command.query()) {
		if err != nil {
			return errors.Join(err, r.goOn(next))
		}
		if !r.command.wants(&event) {
			continue
		}
		next = event.Sequence
		if err = r.pace.wait(ctx); err == nil {
			err = r.hand(ctx, &event)
		}
		switch {
		case ctx.Err() != nil && err != nil:
			return errors.Join(errors.New("interrupted"), r.goOn(next))
		case err != nil:
			return errors.Join(fmt.Errorf("replay event %d: %w", event.Sequence, err), r.goOn(next))
		}
		r.replayed[event.Type]++
		r.last, next = event.Sequence, event.Sequence+1
		if r.first == 0 {
			r.first = event.Sequence
		}
		progress.show(r.replayed.sum())
	}
	if ctx.Err() != nil {
		return errors.Join(errors.New("interrupted"), r.goOn(next))
	}
	return nil
}

// toGroup hands an event to the group. It is not interrupted: afterwards it would not be known whether the group has it.
func (r *replay) toGroup(ctx context.Context, event *notification.Event) error {
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), letterTimeout)
	defer cancel()
	event.Replayed = true
	return r.streams.HandAgain(bounded, r.command.Group, *event, r.round)
}

// record keeps what was replayed, also of a replay that ended early.
func (r *replay) record(ctx context.Context) error {
	if r.replayed.sum() == 0 {
		return nil
	}
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), letterTimeout)
	defer cancel()
	return r.streams.RecordOperation(bounded, notification.Operation{
		What: notification.OperationReplay, At: r.began, By: operator(), Group: r.command.Group,
		Detail: fmt.Sprintf("%s, sequence %d to %d, to %s", r.replayed.of("event"), r.first, r.last, r.where),
	})
}

// goOn says how to go on from a place in the stream. What came in since the beginning is none of the rest.
func (r *replay) goOn(next uint64) error {
	if next == 0 || r.command.DryRun {
		return nil
	}
	until := r.command.Until.at
	if until.IsZero() {
		until = r.began
	}
	words := []string{"sluice", "replay"}
	for _, flag := range []struct{ name, value string }{
		{"group", r.command.Group},
		{"to", withoutPassword(r.command.To)},
		{"type", r.command.Type},
		{"source", r.command.Source},
		{"instance", r.command.Instance},
		{"key", strings.Join(r.command.Key, ",")},
		{"from-sequence", number(next)},
		{"until", until.UTC().Format(time.RFC3339Nano)},
		{"config", r.command.Config},
		{"nats", withoutPassword(r.command.NATS)},
		{"data", r.command.Data},
	} {
		if flag.value != "" {
			words = append(words, "--"+flag.name, quoted(flag.value))
		}
	}
	return fmt.Errorf("to go on: %s", strings.Join(words, " "))
}

// withoutPassword hides what would otherwise be told to whoever reads the log of a script.
func withoutPassword(address string) string {
	if parsed, err := url.Parse(address); err == nil {
		return parsed.Redacted()
	}
	return address
}

// plainWord needs no quotes in a shell.
var plainWord = regexp.MustCompile(`^[\w@%+=:,./-]+$`)

// quoted writes a word for a shell.
func quoted(word string) string {
	if plainWord.MatchString(word) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
