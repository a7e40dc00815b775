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
	"sluice.internal/shared/stream/admin"
	"sluice.internal/sluice/cli/term"
)

// A replay has no position of its own. It reads the stream in its order, delivers one event after the other, and when it
// ends early it says from which sequence to go on and until when: what came in meanwhile was delivered anyway, so it is
// left out of the rest too. Interrupting it therefore loses nothing and repeats at most the event that was under way.

// replay is one replay on its way.
type replay struct {
	command *replayCommand
	session *session
	streams *admin.Client
	// began bounds the replay: events that were stored later are none of it.
	began time.Time
	// round makes redelivering an event happen once, where says to whom for people.
	round, where string
	// limit spreads events over time, deliver delivers one; its error ends the replay.
	limit   *rateLimit
	deliver func(context.Context, *notification.Event) error

	// replayed counts what was handed over, by type.
	replayed term.CountByType
	// first and last are the sequences that the record names, 0 when nothing was replayed.
	first, last uint64
}

// run replays what was chosen, in its order, and ends at the first event that can't be. The error says where to go on.
func (r *replay) run(ctx context.Context) error {
	progress := term.NewProgress(r.session.diagnostics)
	defer progress.Clear()
	next := r.command.From
	for event, err := range r.streams.Events(ctx, r.command.query()) {
		if err != nil {
			return errors.Join(err, r.resume(next))
		}
		if !r.command.wants(&event) {
			continue
		}
		next = event.Sequence
		if err = r.limit.wait(ctx); err == nil {
			err = r.deliver(ctx, &event)
		}
		switch {
		case ctx.Err() != nil && err != nil:
			return errors.Join(errors.New("interrupted"), r.resume(next))
		case err != nil:
			return errors.Join(fmt.Errorf("replay event %d: %w", event.Sequence, err), r.resume(next))
		}
		r.replayed[event.Type]++
		r.last, next = event.Sequence, event.Sequence+1
		if r.first == 0 {
			r.first = event.Sequence
		}
		progress.ShowCount(r.replayed.Sum(), 0)
	}
	if ctx.Err() != nil {
		return errors.Join(errors.New("interrupted"), r.resume(next))
	}
	return nil
}

// toGroup hands an event to the group. It is not interrupted: afterwards it would not be known whether the group has it.
func (r *replay) toGroup(ctx context.Context, event *notification.Event) error {
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), operationTimeout)
	defer cancel()
	event.Replayed, event.AnswerAgain = true, r.command.Again
	return r.streams.Redeliver(bounded, r.command.Group, *event, r.round)
}

// record keeps what was replayed, also of a replay that ended early. It is written afterwards, unlike other records: only
// then is it known how far the replay came. A replay of nothing leaves none.
func (r *replay) record(ctx context.Context) error {
	if r.replayed.Sum() == 0 {
		return nil
	}
	where := r.where
	if r.command.Again {
		where += ", to be answered again"
	}
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), operationTimeout)
	defer cancel()
	return r.streams.RecordOperation(bounded, notification.Operation{
		What: notification.OperationReplay, At: r.began, By: operator(), Group: r.command.Group,
		Detail: fmt.Sprintf("%s, sequence %d to %d, to %s", r.replayed.Describe("event"), r.first, r.last, where),
	})
}

// resume is the error that says how to go on from a sequence. What came in since the beginning is none of the rest.
func (r *replay) resume(next uint64) error {
	if next == 0 || r.command.DryRun {
		return nil
	}
	until := r.command.Until.at
	if until.IsZero() {
		until = r.began
	}
	words := []string{"sluice", "replay"}
	if r.command.Again {
		words = append(words, "--answer-again")
	}
	// Every flag that chooses events or finds the streams is repeated. --rate and --tries are not: who goes on may want
	// others.
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

// quoted writes a word so that a shell reads it as one: the line is there to be copied.
func quoted(word string) string {
	if plainWord.MatchString(word) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
