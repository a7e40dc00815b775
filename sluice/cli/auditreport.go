package cli

import (
	"strconv"

	"sluice.internal/sluice/audit"
)

// figure is a number of a balance with its heading.
type figure struct {
	name  string
	count uint64
}

// balance writes a table with one row.
func balance(out *output, first column, name string, figures []figure) error {
	columns, cells := []column{first}, []string{name}
	for _, f := range figures {
		columns = append(columns, column{name: f.name, right: true})
		cells = append(cells, strconv.FormatUint(f.count, 10))
	}
	rows := newTable(out, columns...)
	_ = rows.add(cells...)
	return rows.end()
}

// auditTable writes a report for people.
func auditTable(out *output, report *audit.Report) error {
	n := report.Notifications
	_ = balance(out, column{name: "STREAM"}, "NOTIFICATIONS", []figure{
		{"STORED", n.Stored},
		{"EVENTS", n.Events},
		{"DUPLICATES", n.Duplicates},
		{"DEAD", n.DeadLetters},
		{"SENT AGAIN", n.SentAgain},
		{"DROPPED", n.Dropped},
		{"WAITING", n.Waiting},
		{"TRIMMED", n.Trimmed},
		{"UNACCOUNTED", n.Unaccounted},
	})
	if len(report.Groups) > 0 {
		_ = out.line("")
	}
	rows := newTable(out, column{name: "GROUP"}, column{name: "EVENTS", right: true}, column{name: "HANDLED", right: true},
		column{name: "WAITING", right: true}, column{name: "PARKED", right: true}, column{name: "DEAD", right: true},
		column{name: "DROPPED", right: true})
	for _, g := range report.Groups {
		cells := []string{g.Name}
		for _, count := range []uint64{g.Events, g.Handled, g.Waiting, g.Parked, g.Dead, g.Dropped} {
			cells = append(cells, strconv.FormatUint(count, 10))
		}
		_ = rows.add(cells...)
	}
	_ = rows.end()
	if l := report.Ledger; l != nil {
		_ = ledgerTables(out, l)
	}
	_ = itemsTable(out, report.Items)
	return out.flush() // Which has the error of any line before.
}

func ledgerTables(out *output, l *audit.LedgerBalance) error {
	_ = out.line("")
	_ = balance(out, column{name: "LEDGER"}, "answered 200", []figure{
		{"BODIES", l.Accepted},
		{"EVENTS", l.Events},
		{"DUPLICATES", l.Duplicates},
		{"DEAD", l.DeadLetters},
		{"SENT AGAIN", l.SentAgain},
		{"DROPPED", l.Dropped},
		{"WAITING", l.Waiting},
		{"TRIMMED", l.Trimmed},
		{"MISSING", l.Missing},
	})
	return out.line("\nNever answered 200: %d stored all the same, %d not. Stored and in no ledger: %d.",
		l.UnknownStored, l.UnknownNotStored, l.NotSent)
}

func itemsTable(out *output, items []audit.Item) error {
	if len(items) == 0 {
		return nil
	}
	_ = out.line("")
	rows := newTable(out, column{name: "WHAT"}, column{name: "STREAM"}, column{name: "SEQUENCE", right: true},
		column{name: "SOURCE"}, column{name: "TYPE"}, column{name: "INSTANCE"}, column{name: "GROUP"}, column{name: "KEY"},
		column{name: "DETAIL"})
	for _, item := range items {
		sequence := ""
		if item.Sequence > 0 {
			sequence = strconv.FormatUint(item.Sequence, 10)
		}
		_ = rows.add(item.What, item.Stream, sequence, item.Source, item.Type, item.Instance, item.Group, item.Key, item.Detail)
	}
	return rows.end()
}

type notificationsDocument struct {
	Kind        string `json:"kind"`
	Of          string `json:"of"`
	Stored      uint64 `json:"stored"`
	Events      uint64 `json:"events"`
	Duplicates  uint64 `json:"duplicates"`
	DeadLetters uint64 `json:"dead_letters"`
	SentAgain   uint64 `json:"sent_again"`
	Dropped     uint64 `json:"dropped"`
	Waiting     uint64 `json:"waiting"`
	Trimmed     uint64 `json:"trimmed"`
	Unaccounted uint64 `json:"unaccounted"`
}

type groupDocument struct {
	Kind    string `json:"kind"`
	Of      string `json:"of"`
	Group   string `json:"group"`
	Events  uint64 `json:"events"`
	Handled uint64 `json:"handled"`
	Waiting uint64 `json:"waiting"`
	Parked  uint64 `json:"parked"`
	Dead    uint64 `json:"dead"`
	Dropped uint64 `json:"dropped"`
}

type ledgerDocument struct {
	Kind             string `json:"kind"`
	Of               string `json:"of"`
	Accepted         uint64 `json:"accepted"`
	Events           uint64 `json:"events"`
	Duplicates       uint64 `json:"duplicates"`
	DeadLetters      uint64 `json:"dead_letters"`
	SentAgain        uint64 `json:"sent_again"`
	Dropped          uint64 `json:"dropped"`
	Waiting          uint64 `json:"waiting"`
	Trimmed          uint64 `json:"trimmed"`
	Missing          uint64 `json:"missing"`
	UnknownStored    uint64 `json:"unknown_stored"`
	UnknownNotStored uint64 `json:"unknown_not_stored"`
	NotSent          uint64 `json:"not_sent"`
}

type itemDocument struct {
	Kind     string `json:"kind"`
	What     string `json:"what"`
	Stream   string `json:"stream,omitempty"`
	Sequence uint64 `json:"sequence,omitempty"`
	Key      string `json:"key,omitempty"`
	Source   string `json:"source,omitempty"`
	Type     string `json:"type,omitempty"`
	Instance string `json:"instance,omitempty"`
	Group    string `json:"group,omitempty"`
	Detail   string `json:"detail"`
}

// auditObjects writes a report for programs.
func auditObjects(out *output, report *audit.Report) error {
	n := report.Notifications
	_ = out.object(notificationsDocument{
		Kind: "balance", Of: "notifications", Stored: n.Stored, Events: n.Events, Duplicates: n.Duplicates,
		DeadLetters: n.DeadLetters, SentAgain: n.SentAgain, Dropped: n.Dropped, Waiting: n.Waiting, Trimmed: n.Trimmed,
		Unaccounted: n.Unaccounted,
	})
	for _, g := range report.Groups {
		_ = out.object(groupDocument{
			Kind: "balance", Of: "group", Group: g.Name, Events: g.Events, Handled: g.Handled, Waiting: g.Waiting,
			Parked: g.Parked, Dead: g.Dead, Dropped: g.Dropped,
		})
	}
	if l := report.Ledger; l != nil {
		_ = out.object(ledgerDocument{
			Kind: "balance", Of: "ledger", Accepted: l.Accepted, Events: l.Events, Duplicates: l.Duplicates,
			DeadLetters: l.DeadLetters, SentAgain: l.SentAgain, Dropped: l.Dropped, Waiting: l.Waiting, Trimmed: l.Trimmed,
			Missing: l.Missing, UnknownStored: l.UnknownStored, UnknownNotStored: l.UnknownNotStored, NotSent: l.NotSent,
		})
	}
	for _, item := range report.Items {
		_ = out.object(itemDocument{
			Kind: "item", What: item.What, Stream: item.Stream, Sequence: item.Sequence, Key: item.Key, Source: item.Source,
			Type: item.Type, Instance: item.Instance, Group: item.Group, Detail: item.Detail,
		})
	}
	return out.flush() // Which has the error of any line before.
}
