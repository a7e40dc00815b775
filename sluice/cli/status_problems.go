package cli

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/admin"
	"sluice.internal/sluice/cli/term"
)

// fullAt is the share of a stream's capacity, in percent, from which somebody should look at it.
const fullAt = 80

// problems are the sentences about what needs a person. Each names what is wrong and what to do about it, and the same
// cause makes one sentence, however many streams or groups it hits.
func (s *state) problems() []error {
	var problems []error
	for _, found := range [][]error{
		s.replicaProblems(), s.idleProblems(), s.heedlessProblems(), s.lateProblems(), s.agingProblems(), s.capacityProblems(),
		s.deadLetterProblems(), s.pollingProblems(), s.botProblems(),
	} {
		problems = append(problems, found...)
	}
	if s.gateway != nil && s.gateway.failure != nil {
		problems = append(problems, fmt.Errorf("the gateway at %s takes nothing in: %w", s.gateway.url, s.gateway.failure))
	}
	return problems
}

// replicaProblems are the sentences about streams that are not on all their servers, one for all with the same.
func (s *state) replicaProblems() []error {
	streams := map[string][]string{}
	for _, usage := range s.Streams {
		if usage.Trouble != "" {
			streams[usage.Trouble] = append(streams[usage.Trouble], usage.Name)
		}
	}
	var problems []error
	for _, trouble := range slices.Sorted(maps.Keys(streams)) {
		problems = append(problems, fmt.Errorf("trouble with %s: %s: see whether all servers of NATS run and reach each other",
			strings.Join(streams[trouble], ", "), trouble))
	}
	return problems
}

// idleProblems are the sentences about backlogs that nobody works on.
func (s *state) idleProblems() []error {
	var problems []error
	if n := todo(s.Intake); n > 0 && s.Intake.Workers == 0 {
		problems = append(problems, fmt.Errorf("no worker takes notifications in, and %d are there: start one, with "+
			"`sluice up` or by itself", n))
	}
	for _, group := range s.Groups {
		n := todo(group) + group.Due
		switch {
		case group.Workers > 0 && !group.Incomplete:
		case group.Incomplete:
			problems = append(problems, fmt.Errorf("group %q lacks consumers, so that no event is taken out of stream %s: start "+
				"a worker of it, which makes them, or remove it with `sluice groups rm %s`", group.Name, stream.Events, group.Name))
		case n > 0:
			problems = append(problems, s.unserved(group, n))
		}
	}
	return problems
}

// unserved is the sentence about a group without workers. When the group also keeps events from being trimmed, removing
// it is named as the other way out: it may be one that was only tried.
func (s *state) unserved(group admin.Backlog, count uint64) error {
	start := fmt.Sprintf("group %q has no worker, and there are %d events for it: start one, with `sluice up --group %s` or by "+
		"itself", group.Name, count, group.Name)
	if !s.holdsBack(group) {
		return errors.New(start)
	}
	return fmt.Errorf("%s, or remove it with `sluice groups rm %s`: for its sake no event since %s is taken out of stream %s",
		start, group.Name, term.Time(group.Holds), stream.Events)
}

// holdsBack reports whether events would go if it were not for the group: they are old, or capacity for new ones is scarce.
func (s *state) holdsBack(group admin.Backlog) bool {
	if group.Holds.IsZero() {
		return false
	}
	for _, usage := range s.Streams {
		if usage.Name == stream.Events {
			return percent(usage) >= fullAt || s.At.Sub(group.Holds) > usage.Window
		}
	}
	return false
}

// heedlessProblems are the sentences about handlers that run on although their time is over.
func (s *state) heedlessProblems() []error {
	var problems []error
	for _, group := range s.Groups {
		for _, w := range group.Members {
			for _, h := range w.Heedless {
				problems = append(problems, fmt.Errorf("a handler of %s in group %q has not returned since %s, although its time is "+
					"over (worker.handler_timeout): its chat waits; make it return when its context ends, and restart worker %s",
					h.Type, group.Name, term.Time(h.Since), shortID(w.ID)))
			}
		}
	}
	return problems
}

// lateProblems are the sentences about backlogs that wait too long although there are workers.
func (s *state) lateProblems() []error {
	var problems []error
	if s.Intake.Workers > 0 && s.isLate(s.Intake) {
		problems = append(problems, fmt.Errorf("the oldest notification waits for %s to be taken in: see what the "+
			"workers log, and whether stream %s is full", age(s.Intake.Oldest, s.At), stream.Events))
	}
	for _, group := range s.Groups {
		if group.Workers > 0 && s.isLate(group) {
			problems = append(problems, fmt.Errorf("the oldest event for group %q waits for %s: see which it is with "+
				"`sluice status --waiting`, and what the workers log, or start more of them",
				group.Name, age(group.Oldest, s.At)))
		}
	}
	return problems
}

// agingFrom is the part of its greatest age from which on a message that is not processed is a problem.
const agingFrom = 0.8

// agingProblems are the sentences about what soon goes unprocessed, since it reaches the age at which nothing stays.
func (s *state) agingProblems() []error {
	var problems []error
	add := func(name string, oldest time.Time, what, remedy string) {
		for _, usage := range s.Streams {
			goesAt := oldest.Add(usage.MaxAge)
			if usage.Name != name || usage.MaxAge == 0 || oldest.IsZero() || s.At.Sub(oldest) < time.Duration(agingFrom*float64(usage.MaxAge)) {
				continue
			}
			problems = append(problems, fmt.Errorf("%s goes unprocessed at %s, at its greatest age of %s: %s, or raise streams.%s.max_age",
				what, term.Time(goesAt), usage.MaxAge, remedy, strings.ToLower(name)))
		}
	}
	add(stream.Notifications, s.Intake.Oldest, "the oldest notification that is not taken in", "start workers that take notifications in")
	for _, group := range s.Groups {
		add(stream.Events, group.Holds, fmt.Sprintf("the oldest event that group %q has not handled", group.Name),
			fmt.Sprintf("start workers of it, or remove it with `sluice groups rm %s`", group.Name))
	}
	return problems
}

// isLate reports whether the oldest of a backlog waits for longer than it may.
func (s *state) isLate(backlog admin.Backlog) bool {
	return !backlog.Oldest.IsZero() && s.At.Sub(backlog.Oldest) > s.late
}

// capacityProblems are the sentences about streams that fill up. Those that are meant to drop their oldest are left out.
func (s *state) capacityProblems() []error {
	// A stream that is full either refuses, and senders wait, or drops its oldest, and something is lost. The sentence says
	// which, and where to look for the cause.
	effects := map[string]string{
		stream.Notifications: "takes nothing more when it is full: see why it does not get emptier",
		stream.Events:        "takes nothing more when it is full: see why it does not get emptier",
		stream.Retries:       "takes nothing more when it is full, so that lanes wait: see why so many handlers fail",
		stream.DeadLetters:   "drops its oldest when it is full: send what is in it through again with `sluice dead retry`",
	}
	var problems []error
	for _, usage := range s.Streams {
		if effect := effects[usage.Name]; effect != "" && percent(usage) >= fullAt {
			problems = append(problems, fmt.Errorf("stream %s has used %.0f %% of its capacity and %s, or raise "+
				"streams.%s.max_bytes", usage.Name, percent(usage), effect, strings.ToLower(usage.Name)))
		}
	}
	return problems
}

// deadLetterProblems is the sentence about new dead letters.
func (s *state) deadLetterProblems() []error {
	if s.dead == 0 {
		return nil
	}
	return []error{fmt.Errorf("%s since %s: see why with `sluice dead --since %s`, then send them through again or give them up",
		term.Counted(int(s.dead), "dead letter"), term.Time(s.since), s.since.UTC().Format(time.RFC3339))} //nolint:gosec // A small number.
}
