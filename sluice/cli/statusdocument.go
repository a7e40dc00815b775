package cli

import (
	"time"

	"sluice.internal/shared/stream"
)

// backlogDocument is a backlog for programs. Rates are there when there were two looks; a backlog that does not get
// shorter has never_empty instead of empty_in_seconds.
type backlogDocument struct {
	Kind           string    `json:"kind"`
	Name           string    `json:"name,omitempty"`
	Waiting        uint64    `json:"waiting"`
	UnderWay       uint64    `json:"under_way"`
	Workers        int       `json:"workers"`
	Parked         uint64    `json:"parked"`
	Due            uint64    `json:"due"`
	Dead           uint64    `json:"dead"`
	OldestAt       time.Time `json:"oldest_at,omitzero"`
	InPerSecond    *float64  `json:"in_per_second,omitempty"`
	OutPerSecond   *float64  `json:"out_per_second,omitempty"`
	EmptyInSeconds *float64  `json:"empty_in_seconds,omitempty"`
	NeverEmpty     bool      `json:"never_empty,omitempty"`
}

func newBacklogDocument(kind, name string, backlog stream.Backlog, measured rate) backlogDocument {
	document := backlogDocument{
		Kind: kind, Name: name, Waiting: backlog.Waiting, UnderWay: backlog.UnderWay, Workers: backlog.Workers,
		Parked: backlog.Parked, Due: backlog.Due, Dead: backlog.Dead, OldestAt: backlog.Oldest.UTC(),
	}
	if !measured.known {
		return document
	}
	in, out := rounded(measured.in), rounded(measured.out)
	document.InPerSecond, document.OutPerSecond = &in, &out
	if seconds, ends := measured.lasts(todo(backlog)); ends {
		seconds = rounded(seconds)
		document.EmptyInSeconds = &seconds
	} else {
		document.NeverEmpty = true
	}
	return document
}

type gatewayDocument struct {
	Kind  string `json:"kind"`
	URL   string `json:"url"`
	Ready bool   `json:"ready"`
	Error string `json:"error,omitempty"`
}

// verdictDocument says what needs a person, in the sentences that standard error has.
type verdictDocument struct {
	Kind       string    `json:"kind"`
	At         time.Time `json:"at"`
	Complaints []string  `json:"complaints"`
}

// objects writes the state for programs.
func (s *state) objects(out *output) error {
	for _, usage := range s.Streams {
		_ = out.object(newUsageDocument(usage))
	}
	if !s.isSilent(stream.Notifications) {
		_ = out.object(newBacklogDocument(intake, "", s.Intake, s.rateOf(intake, stream.Notifications, s.Intake)))
	}
	for _, group := range s.Groups {
		_ = out.object(newBacklogDocument("group", group.Name, group, s.rateOf(group.Name, stream.Events, group)))
	}
	if g := s.gateway; g != nil {
		document := gatewayDocument{Kind: "gateway", URL: g.url, Ready: g.failure == nil}
		if g.failure != nil {
			document.Error = g.failure.Error()
		}
		_ = out.object(document)
	}
	verdict := verdictDocument{Kind: "verdict", At: s.At.UTC(), Complaints: []string{}}
	for _, complaint := range s.complaints() {
		verdict.Complaints = append(verdict.Complaints, complaint.Error())
	}
	_ = out.object(verdict)
	return out.flush() // Which has the error of any line before.
}
