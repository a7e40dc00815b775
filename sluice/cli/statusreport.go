package cli

import (
	"math"
	"strconv"
	"time"

	"github.com/dustin/go-humanize"

	"sluice.internal/shared/stream"
)

// table writes the state for people.
func (s *state) table(out *output) error {
	_ = s.streamsTable(out)
	_ = out.line("")
	_ = s.backlogsTable(out)
	if s.gateway != nil {
		_ = out.line("\ngateway at %s: %s", s.gateway.url, s.gateway)
	}
	return out.flush() // Which has the error of any line before.
}

func (s *state) streamsTable(out *output) error {
	rows := newTable(out, column{name: "STREAM"}, column{name: "MESSAGES", right: true}, column{name: "SIZE", right: true},
		column{name: "ROOM USED", right: true}, column{name: "OLDEST"})
	for _, usage := range s.Streams {
		used := ""
		if usage.MaxBytes > 0 {
			used = strconv.FormatFloat(percent(usage), 'f', 0, 64) + " %"
		}
		_ = rows.add(usage.Name, strconv.FormatUint(usage.Messages, 10), humanize.IBytes(usage.Bytes), used, when(usage.First))
	}
	return rows.end()
}

func (s *state) backlogsTable(out *output) error {
	rows := newTable(out, column{name: "BACKLOG"}, column{name: "WAITING", right: true},
		column{name: "UNDER WAY", right: true}, column{name: "WORKERS", right: true})
	add := func(name string, backlog stream.Backlog) {
		_ = rows.add(name, strconv.FormatUint(backlog.Waiting, 10),
			strconv.FormatUint(backlog.UnderWay, 10), strconv.Itoa(backlog.Workers))
	}
	add("intake", s.Intake)
	for _, group := range s.Groups {
		add("group "+group.Name, group)
	}
	return rows.end()
}

type usageDocument struct {
	Kind        string    `json:"kind"`
	Name        string    `json:"name"`
	Messages    uint64    `json:"messages"`
	Bytes       uint64    `json:"bytes"`
	MaxBytes    int64     `json:"max_bytes,omitempty"`
	UsedPercent float64   `json:"used_percent"`
	FirstAt     time.Time `json:"first_at,omitzero"`
	LastAt      time.Time `json:"last_at,omitzero"`
}

type backlogDocument struct {
	Kind     string `json:"kind"`
	Name     string `json:"name,omitempty"`
	Waiting  uint64 `json:"waiting"`
	UnderWay uint64 `json:"under_way"`
	Workers  int    `json:"workers"`
}

type gatewayDocument struct {
	Kind  string `json:"kind"`
	URL   string `json:"url"`
	Ready bool   `json:"ready"`
	Error string `json:"error,omitempty"`
}

// objects writes the state for programs.
func (s *state) objects(out *output) error {
	for _, usage := range s.Streams {
		_ = out.object(usageDocument{
			Kind: "stream", Name: usage.Name, Messages: usage.Messages, Bytes: usage.Bytes,
			MaxBytes: max(usage.MaxBytes, 0), UsedPercent: math.Round(10*percent(usage)) / 10,
			FirstAt: usage.First.UTC(), LastAt: usage.Last.UTC(),
		})
	}
	_ = out.object(backlogDocument{
		Kind: "intake", Waiting: s.Intake.Waiting, UnderWay: s.Intake.UnderWay, Workers: s.Intake.Workers,
	})
	for _, group := range s.Groups {
		_ = out.object(backlogDocument{
			Kind: "group", Name: group.Name, Waiting: group.Waiting, UnderWay: group.UnderWay, Workers: group.Workers,
		})
	}
	if g := s.gateway; g != nil {
		document := gatewayDocument{Kind: "gateway", URL: g.url, Ready: g.failure == nil}
		if g.failure != nil {
			document.Error = g.failure.Error()
		}
		_ = out.object(document)
	}
	return out.flush() // Which has the error of any line before.
}

// percent is how much of its room a stream uses, 0 when that is not bounded.
func percent(usage stream.Usage) float64 {
	if usage.MaxBytes <= 0 {
		return 0
	}
	return 100 * float64(usage.Bytes) / float64(usage.MaxBytes)
}
