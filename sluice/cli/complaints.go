package cli

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"sluice.internal/shared/stream"
)

// fullAt is the share of a stream's room, in percent, from which somebody should look at it.
const fullAt = 80

// complaints are the sentences about what needs a person.
func (s *state) complaints() []error {
	var complaints []error
	for _, found := range [][]error{s.troubles(), s.idle(), s.lagging(), s.scarce(), s.buried()} {
		complaints = append(complaints, found...)
	}
	if s.gateway != nil && s.gateway.failure != nil {
		complaints = append(complaints, fmt.Errorf("the gateway at %s takes nothing in: %w", s.gateway.url, s.gateway.failure))
	}
	return complaints
}

// troubles are the sentences about streams that are not on all their servers, one for all with the same.
func (s *state) troubles() []error {
	streams := map[string][]string{}
	for _, usage := range s.Streams {
		if usage.Trouble != "" {
			streams[usage.Trouble] = append(streams[usage.Trouble], usage.Name)
		}
	}
	var complaints []error
	for _, trouble := range slices.Sorted(maps.Keys(streams)) {
		complaints = append(complaints, fmt.Errorf("trouble with %s: %s: see whether all servers of NATS run and reach each other",
			strings.Join(streams[trouble], ", "), trouble))
	}
	return complaints
}

// idle are the sentences about backlogs that nobody works on.
func (s *state) idle() []error {
	var complaints []error
	if n := todo(s.Intake); n > 0 && s.Intake.Workers == 0 {
		complaints = append(complaints, fmt.Errorf("no worker takes notifications in, and %d are there: start one, with "+
			"`sluice up` or by itself", n))
	}
	for _, group := range s.Groups {
		n := todo(group) + group.Due
		switch {
		case group.Workers > 0 && !group.Incomplete:
		case group.Incomplete:
			complaints = append(complaints, fmt.Errorf("group %q lacks consumers, so that no event is taken out of stream %s: start "+
				"a worker of it, which makes them, or remove it with `sluice groups rm %s`", group.Name, stream.Events, group.Name))
		case n > 0:
			complaints = append(complaints, s.unserved(group, n))
		}
	}
	return complaints
}

// unserved is the sentence about a group without workers.
func (s *state) unserved(group stream.Backlog, count uint64) error {
	start := fmt.Sprintf("group %q has no worker, and there are %d events for it: start one, with `sluice up --group %s` or by "+
		"itself", group.Name, count, group.Name)
	if !s.holdsBack(group) {
		return errors.New(start)
	}
	return fmt.Errorf("%s, or remove it with `sluice groups rm %s`: for its sake no event since %s is taken out of stream %s",
		start, group.Name, when(group.Holds), stream.Events)
}

// holdsBack tells whether events would go if it were not for the group: they are old, or room for new ones is scarce.
func (s *state) holdsBack(group stream.Backlog) bool {
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

// lagging are the sentences about backlogs that wait too long although there are workers.
func (s *state) lagging() []error {
	var complaints []error
	if s.Intake.Workers > 0 && s.isLate(s.Intake) {
		complaints = append(complaints, fmt.Errorf("the oldest notification waits for %s to be taken in: see what the "+
			"workers log, and whether stream %s is full", age(s.Intake.Oldest, s.At), stream.Events))
	}
	for _, group := range s.Groups {
		if group.Workers > 0 && s.isLate(group) {
			complaints = append(complaints, fmt.Errorf("the oldest event for group %q waits for %s: see which it is with "+
				"`sluice status --waiting`, and what the workers log, or start more of them",
				group.Name, age(group.Oldest, s.At)))
		}
	}
	return complaints
}

func (s *state) isLate(backlog stream.Backlog) bool {
	return !backlog.Oldest.IsZero() && s.At.Sub(backlog.Oldest) > s.late
}

// scarce are the sentences about streams that fill up. Those that are meant to drop their oldest are left out.
func (s *state) scarce() []error {
	effects := map[string]string{
		stream.Notifications: "takes nothing more when it is full: see why it does not get emptier",
		stream.Events:        "takes nothing more when it is full: see why it does not get emptier",
		stream.Retries:       "takes nothing more when it is full, so that lanes wait: see why so many handlers fail",
		stream.DeadLetters:   "drops its oldest when it is full: send what is in it through again with `sluice dead retry`",
	}
	var complaints []error
	for _, usage := range s.Streams {
		if effect := effects[usage.Name]; effect != "" && percent(usage) >= fullAt {
			complaints = append(complaints, fmt.Errorf("stream %s has used %.0f %% of its room and %s, or raise "+
				"streams.%s.max_bytes", usage.Name, percent(usage), effect, strings.ToLower(usage.Name)))
		}
	}
	return complaints
}

// buried is the sentence about new dead letters.
func (s *state) buried() []error {
	if s.dead == 0 {
		return nil
	}
	return []error{fmt.Errorf("%s since %s: see why with `sluice dead --since %s`, then send them through again or give them up",
		counted(int(s.dead), "dead letter"), when(s.since), s.since.UTC().Format(time.RFC3339))} //nolint:gosec // A small number.
}
