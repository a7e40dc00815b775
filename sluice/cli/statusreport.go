package cli

import (
	"math"
	"slices"
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
		_ = rows.add(usage.Name, decimal(usage.Messages), humanize.IBytes(usage.Bytes), used, when(usage.First))
	}
	return rows.end()
}

func (s *state) backlogsTable(out *output) error {
	rows := newTable(out, column{name: "BACKLOG"}, column{name: "WAITING", right: true},
		column{name: "UNDER WAY", right: true}, column{name: "IN/S", right: true}, column{name: "OUT/S", right: true},
		column{name: "EMPTY IN", right: true}, column{name: "OLDEST", right: true}, column{name: "PARKED", right: true},
		column{name: "DUE", right: true}, column{name: "DEAD", right: true}, column{name: "WORKERS", right: true})
	add := func(name string, backlog stream.Backlog, measured rate) {
		in, out, empty := measured.cells(todo(backlog))
		_ = rows.add(name, decimal(backlog.Waiting), decimal(backlog.UnderWay), in, out, empty, age(backlog.Oldest, s.At),
			decimal(backlog.Parked), decimal(backlog.Due), decimal(backlog.Dead), strconv.Itoa(backlog.Workers))
	}
	if !s.isSilent(stream.Notifications) {
		add(intake, s.Intake, s.rateOf(intake, stream.Notifications, s.Intake))
	}
	for _, group := range s.Groups {
		add("group "+group.Name, group, s.rateOf(group.Name, stream.Events, group))
	}
	return rows.end()
}

// isSilent tells whether a stream does not say what is not processed: it may be nothing or much.
func (s *state) isSilent(name string) bool {
	return slices.ContainsFunc(s.Streams, func(usage stream.Usage) bool { return usage.Name == name && usage.Silent })
}

func decimal(count uint64) string { return strconv.FormatUint(count, 10) }

// percent is how much of its room a stream uses, 0 when that is not bounded.
func percent(usage stream.Usage) float64 {
	if usage.MaxBytes <= 0 {
		return 0
	}
	return 100 * float64(usage.Bytes) / float64(usage.MaxBytes)
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
	Trouble     string    `json:"trouble,omitempty"`
}

func newUsageDocument(usage stream.Usage) usageDocument {
	return usageDocument{
		Kind: "stream", Name: usage.Name, Messages: usage.Messages, Bytes: usage.Bytes,
		MaxBytes: max(usage.MaxBytes, 0), UsedPercent: rounded(percent(usage)),
		FirstAt: usage.First.UTC(), LastAt: usage.Last.UTC(), Trouble: usage.Trouble,
	}
}

func rounded(value float64) float64 { return math.Round(10*value) / 10 }
