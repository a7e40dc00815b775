package cli

import (
	"time"

	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/admin"
	"sluice.internal/sluice/cli/term"
)

// backlogDocument is a backlog for programs. Rates are there when there were two readings; a backlog that does not get
// shorter has never_empty instead of empty_in_seconds.
type backlogDocument struct {
	// Kind is "intake" for notifications, "group" for the events of the group that Name has.
	Kind string `json:"kind"`
	Name string `json:"name,omitempty"`
	// Waiting were not handed out, UnderWay were and are not acknowledged.
	Waiting  uint64 `json:"waiting"`
	UnderWay uint64 `json:"under_way"`
	Workers  int    `json:"workers"`
	// Parked wait for the time of their next attempt, Due for a worker. Both are beside Waiting and UnderWay.
	Parked uint64 `json:"parked"`
	Due    uint64 `json:"due"`
	Dead   uint64 `json:"dead"`
	// Aside are chats of which more waits than a worker holds. Waiting counts what is aside of them too.
	Aside []asideDocument `json:"aside,omitempty"`
	// OldestAt is when the oldest that is neither processed nor parked was stored or became due.
	OldestAt time.Time `json:"oldest_at,omitzero"`
	// These are nil without an earlier reading. EmptyInSeconds is nil too when NeverEmpty says that it gets no shorter.
	InPerSecond    *float64 `json:"in_per_second,omitempty"`
	OutPerSecond   *float64 `json:"out_per_second,omitempty"`
	EmptyInSeconds *float64 `json:"empty_in_seconds,omitempty"`
	NeverEmpty     bool     `json:"never_empty,omitempty"`
	// Partitions are the consumers that an ordered group's workers share.
	Partitions int `json:"partitions,omitempty"`
}

// newBacklogDocument leaves rates out where they are not known: 0 would be a claim.
func newBacklogDocument(kind, name string, backlog admin.Backlog, measured backlogRate) backlogDocument {
	document := backlogDocument{
		Kind: kind, Name: name, Waiting: backlog.Waiting, UnderWay: backlog.UnderWay, Workers: backlog.Workers, Partitions: backlog.Partitions,
		Parked: backlog.Parked, Due: backlog.Due, Dead: backlog.Dead, OldestAt: backlog.Oldest.UTC(),
		Aside: newAsideDocuments(backlog.Aside),
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

// asideDocument is a chat that is aside. Waiting is how many of its events are, about.
type asideDocument struct {
	Source   string `json:"source"`
	Instance string `json:"instance"`
	Waiting  uint64 `json:"waiting"`
	// Sequence is that of the last event of those that the group is done with.
	Sequence uint64 `json:"sequence"`
}

func newAsideDocuments(chats []stream.Aside) (documents []asideDocument) {
	for _, chat := range chats {
		documents = append(documents, asideDocument{chat.Source(), chat.Instance(), chat.Waiting, chat.Done})
	}
	return documents
}

// workerDocument is a worker of a group for programs.
type workerDocument struct {
	Kind string `json:"kind"`
	stream.WorkerState
}

// gatewayDocument says whether the gateway of the data folder takes notifications in; Error says why not.
type gatewayDocument struct {
	Kind  string `json:"kind"`
	URL   string `json:"url"`
	Ready bool   `json:"ready"`
	Error string `json:"error,omitempty"`
}

// problemsDocument is the last line: what needs a person, in the sentences that standard error has, and when it was read.
// Its field is called complaints for the scripts that read it.
type problemsDocument struct {
	Kind     string    `json:"kind"`
	At       time.Time `json:"at"`
	Problems []string  `json:"complaints"`
}

// objects writes the state for programs: first streams, then backlogs, polled instances, bots, the gateway, and last what needs a person. A
// program that only wants to know whether all is well reads the last line, or the exit code.
func (s *state) objects(out *term.Output) error {
	for _, usage := range s.Streams {
		_ = out.Object(newUsageDocument(usage))
	}
	if !s.isSilent(stream.Notifications) {
		_ = out.Object(newBacklogDocument(intake, "", s.Intake, s.rateOf(intake, stream.Notifications, s.Intake)))
	}
	for _, group := range s.Groups {
		_ = out.Object(newBacklogDocument("group", group.Name, group, s.rateOf(group.Name, stream.Events, group)))
		for _, w := range group.Members {
			_ = out.Object(workerDocument{"worker", w})
		}
	}
	s.pollingDocuments(out)
	for i := range s.bots {
		_ = out.Object(newBotDocument(&s.bots[i]))
	}
	if g := s.gateway; g != nil {
		document := gatewayDocument{Kind: "gateway", URL: g.url, Ready: g.failure == nil}
		if g.failure != nil {
			document.Error = g.failure.Error()
		}
		_ = out.Object(document)
	}
	document := problemsDocument{Kind: "verdict", At: s.At.UTC(), Problems: []string{}}
	for _, problem := range s.problems() {
		document.Problems = append(document.Problems, problem.Error())
	}
	_ = out.Object(document)
	return out.Flush() // Which has the error of any line before.
}
