package cli

import (
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/dustin/go-humanize"

	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/admin"
	"sluice.internal/sluice/cli/term"
)

// table writes the state for people: streams, backlogs, and the gateway where a data folder says where it is.
func (s *state) table(out *term.Output) error {
	_ = s.streamsTable(out)
	_ = out.Line("")
	_ = s.backlogsTable(out)
	_ = s.workersTable(out)
	_ = s.asideTable(out)
	_ = s.pollingTable(out)
	s.botsTable(out)
	if s.gateway != nil {
		_ = out.Line("\ngateway at %s: %s", s.gateway.url, s.gateway)
	}
	return out.Flush() // Which has the error of any line before.
}

// streamsTable has a row for each stream. USED is the share of its capacity, empty for one without a bound.
func (s *state) streamsTable(out *term.Output) error {
	rows := term.NewTable(out, term.Left("STREAM"), term.Right("MESSAGES"), term.Right("SIZE"),
		term.Right("USED"), term.Left("OLDEST"))
	for _, usage := range s.Streams {
		used := ""
		if usage.MaxBytes > 0 {
			used = strconv.FormatFloat(percent(usage), 'f', 0, 64) + " %"
		}
		_ = rows.Add(usage.Name, decimal(usage.Messages), humanize.IBytes(usage.Bytes), used, term.Time(usage.First))
	}
	return rows.End()
}

// backlogsTable has a row for the intake and for each group. The intake is left out while its stream does not answer
// everything: a number that may be wrong by all of it is worse than none.
func (s *state) backlogsTable(out *term.Output) error {
	rows := term.NewTable(out, term.Left("BACKLOG"), term.Right("WAITING"),
		term.Right("UNDER WAY"), term.Right("IN/S"), term.Right("OUT/S"),
		term.Right("EMPTY IN"), term.Right("OLDEST"), term.Right("PARKED"),
		term.Right("DUE"), term.Right("DEAD"), term.Right("WORKERS"))
	add := func(name string, backlog admin.Backlog, measured backlogRate) {
		in, out, empty := measured.cells(todo(backlog))
		_ = rows.Add(name, decimal(backlog.Waiting), decimal(backlog.UnderWay), in, out, empty, age(backlog.Oldest, s.At),
			decimal(backlog.Parked), decimal(backlog.Due), decimal(backlog.Dead), strconv.Itoa(backlog.Workers))
	}
	if !s.isSilent(stream.Notifications) {
		add(intake, s.Intake, s.rateOf(intake, stream.Notifications, s.Intake))
	}
	for _, group := range s.Groups {
		add("group "+group.Name, group, s.rateOf(group.Name, stream.Events, group))
	}
	return rows.End()
}

// asideTable has a row for each chat that is aside, because more of it waits than a worker holds.
func (s *state) asideTable(out *term.Output) error {
	if !slices.ContainsFunc(s.Groups, func(group admin.Backlog) bool { return len(group.Aside) > 0 }) {
		return nil
	}
	_ = out.Line("")
	rows := term.NewTable(out, term.Left("CHAT OF"), term.Left("SOURCE"), term.Left("GROUP"), term.Right("SET ASIDE"))
	for _, group := range s.Groups {
		for _, chat := range group.Aside {
			_ = rows.Add(chat.Instance(), chat.Source(), group.Name, decimal(chat.Waiting))
		}
	}
	return rows.End()
}

// workersTable has a row for each worker of a group. SLOWEST is the handler that has run for the longest time.
func (s *state) workersTable(out *term.Output) error {
	if !slices.ContainsFunc(s.Groups, func(group admin.Backlog) bool { return len(group.Members) > 0 }) {
		return nil
	}
	_ = out.Line("")
	rows := term.NewTable(out, term.Left("WORKER"), term.Left("GROUP"), term.Right("PARTITIONS"), term.Right("HANDLING"),
		term.Right("HELD"), term.Right("CHATS"), term.Left("SINCE"), term.Left("SLOWEST"))
	for _, group := range s.Groups {
		for _, w := range group.Members {
			slowest := ""
			if w.Slowest != nil {
				slowest = w.Slowest.Type + " of " + w.Slowest.Instance + " for " + age(w.Slowest.Since, s.At)
			}
			_ = rows.Add(shortID(w.ID), group.Name, strconv.Itoa(len(w.Partitions)), strconv.Itoa(w.UnderWay),
				strconv.Itoa(w.Waiting), strconv.Itoa(w.Chats), term.Time(w.StartedAt), slowest)
		}
	}
	return rows.End()
}

// shortID is as much of a worker's id as tells a few apart.
func shortID(id string) string { return id[:min(len(id), 8)] }

// isSilent reports whether a stream does not say what is not processed: it may be nothing or much.
func (s *state) isSilent(name string) bool {
	return slices.ContainsFunc(s.Streams, func(usage admin.Usage) bool { return usage.Name == name && usage.Silent })
}

func decimal(count uint64) string { return strconv.FormatUint(count, 10) }

// percent is how much of its capacity a stream uses, 0 when that is not bounded.
func percent(usage admin.Usage) float64 {
	if usage.MaxBytes <= 0 {
		return 0
	}
	return 100 * float64(usage.Bytes) / float64(usage.MaxBytes)
}

// usageDocument is a stream for programs. Trouble says in a sentence what is wrong with its replicas.
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

func newUsageDocument(usage admin.Usage) usageDocument {
	return usageDocument{
		Kind: "stream", Name: usage.Name, Messages: usage.Messages, Bytes: usage.Bytes,
		MaxBytes: max(usage.MaxBytes, 0), UsedPercent: rounded(percent(usage)),
		FirstAt: usage.First.UTC(), LastAt: usage.Last.UTC(), Trouble: usage.Trouble,
	}
}

// rounded keeps one digit behind the point: more would be noise.
func rounded(value float64) float64 { return math.Round(10*value) / 10 }
