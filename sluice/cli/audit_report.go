package cli

import (
	"strconv"

	"sluice.internal/sluice/audit"
	"sluice.internal/sluice/cli/term"
)

// A report is printed twice over: as tables for people, and as documents for programs. Both have the same numbers under
// the same names, and in both every row sums up: the first number is the sum of the others.

// figure is a number of a balance with its heading.
type figure struct {
	name  string
	count uint64
}

// balance writes a table with one row, whose first cell is the name. An error comes again with the next line.
func balance(out *term.Output, first term.Column, name string, figures []figure) error {
	columns, cells := []term.Column{first}, []string{name}
	for _, f := range figures {
		columns = append(columns, term.Right(f.name))
		cells = append(cells, strconv.FormatUint(f.count, 10))
	}
	rows := term.NewTable(out, columns...)
	_ = rows.Add(cells...)
	return rows.End()
}

// auditTable writes a report for people.
func auditTable(out *term.Output, report *audit.Report) error {
	n := report.Notifications
	_ = balance(out, term.Left("STREAM"), "NOTIFICATIONS", []figure{
		{"STORED", n.Stored},
		{"EVENTS", n.Events},
		{"DUPLICATES", n.Duplicates},
		{"DEAD", n.DeadLetters},
		{"SENT AGAIN", n.SentAgain},
		{"DROPPED", n.Dropped},
		{"WAITING", n.Waiting},
		{"TRIMMED", n.Trimmed},
		{"ERASED", n.Erased},
		{"UNACCOUNTED", n.Unaccounted},
	})
	if len(report.Groups) > 0 {
		_ = out.Line("")
	}
	rows := term.NewTable(out, term.Left("GROUP"), term.Right("EVENTS"), term.Right("HANDLED"),
		term.Right("WAITING"), term.Right("PARKED"), term.Right("DEAD"),
		term.Right("DROPPED"))
	for _, g := range report.Groups {
		cells := []string{g.Name}
		for _, count := range []uint64{g.Events, g.Handled, g.Waiting, g.Parked, g.Dead, g.Dropped} {
			cells = append(cells, strconv.FormatUint(count, 10))
		}
		_ = rows.Add(cells...)
	}
	_ = rows.End()
	_ = botBalances(out, report.Bots)
	if l := report.Ledger; l != nil {
		_ = ledgerTables(out, l)
	}
	for i, gone := range report.Gone {
		if i == 0 {
			_ = out.Line("")
		}
		_ = out.Line("Gone from %s, as is recorded: %d erased, at most %d unprocessed at their greatest age.",
			gone.Stream, gone.Erased, gone.AgedOut)
	}
	_ = itemsTable(out, report.Items)
	return out.Flush() // Which has the error of any line before.
}

// botBalances has a row for each bot and instance, and is left out where there is none.
func botBalances(out *term.Output, bots []audit.BotBalance) error {
	if len(bots) == 0 {
		return nil
	}
	_ = out.Line("")
	rows := term.NewTable(out, term.Left("BOT"), term.Left("INSTANCE"), term.Right("EVENTS"), term.Right("DONE"), term.Right("WAITING"))
	for _, b := range bots {
		_ = rows.Add(b.Bot, b.Instance, decimal(b.Events), decimal(b.Done), decimal(b.Waiting))
	}
	return rows.End()
}

// ledgerTables writes the balance of what the ledgers' simulators sent. What never got a 200 may be stored or not: neither
// is wrong, so these numbers stand beside the balance.
func ledgerTables(out *term.Output, l *audit.LedgerBalance) error {
	_ = out.Line("")
	_ = balance(out, term.Left("LEDGER"), "answered 200", []figure{
		{"BODIES", l.Accepted},
		{"EVENTS", l.Events},
		{"DUPLICATES", l.Duplicates},
		{"DEAD", l.DeadLetters},
		{"SENT AGAIN", l.SentAgain},
		{"DROPPED", l.Dropped},
		{"WAITING", l.Waiting},
		{"TRIMMED", l.Trimmed},
		{"ERASED", l.Erased},
		{"AGED OUT", l.AgedOut},
		{"MISSING", l.Missing},
	})
	return out.Line("\nNever answered 200: %d stored all the same, %d not. Stored and in no ledger: %d.",
		l.UnknownStored, l.UnknownNotStored, l.NotSent)
}

// itemsTable lists what is wrong, and the duplicates where they were asked for. Without any there is no table.
func itemsTable(out *term.Output, items []audit.Item) error {
	if len(items) == 0 {
		return nil
	}
	_ = out.Line("")
	rows := term.NewTable(out, term.Left("WHAT"), term.Left("STREAM"), term.Right("SEQUENCE"),
		term.Left("SOURCE"), term.Left("TYPE"), term.Left("INSTANCE"), term.Left("GROUP"), term.Left("KEY"),
		term.Left("DETAIL"))
	for _, item := range items {
		sequence := ""
		if item.Sequence > 0 {
			sequence = strconv.FormatUint(item.Sequence, 10)
		}
		_ = rows.Add(item.What, item.Stream, sequence, item.Source, item.Type, item.Instance, item.Group, item.Key, item.Detail)
	}
	return rows.End()
}

// notificationsDocument says what became of the notifications that are stored. Stored is the sum of the other numbers.
type notificationsDocument struct {
	// Kind is "balance" and Of "notifications", so that a reader tells the lines apart.
	Kind   string `json:"kind"`
	Of     string `json:"of"`
	Stored uint64 `json:"stored"`
	// Events have an event of their own, Duplicates the event of an earlier notification that is the same.
	Events     uint64 `json:"events"`
	Duplicates uint64 `json:"duplicates"`
	// DeadLetters were invalid, SentAgain were too and were sent through again, Dropped were given up by an operator.
	DeadLetters uint64 `json:"dead_letters"`
	SentAgain   uint64 `json:"sent_again"`
	Dropped     uint64 `json:"dropped"`
	// Waiting were not taken in yet when the audit began.
	Waiting uint64 `json:"waiting"`
	// Trimmed are so old that their event may be gone from the stream, as it should be.
	Trimmed uint64 `json:"trimmed"`
	// Erased repeat an event that an operator erased.
	Erased uint64 `json:"erased"`
	// Unaccounted are none of these. They are what an audit is for: 0 unless something is lost.
	Unaccounted uint64 `json:"unaccounted"`
}

// groupDocument says what a group did with the events that are stored. Events is the sum of the other numbers.
type groupDocument struct {
	// Kind is "balance", Of "group".
	Kind   string `json:"kind"`
	Of     string `json:"of"`
	Group  string `json:"group"`
	Events uint64 `json:"events"`
	// Handled left the group and are none of the others.
	Handled uint64 `json:"handled"`
	// Waiting were not acknowledged when the audit began, Parked wait for their next attempt.
	Waiting uint64 `json:"waiting"`
	Parked  uint64 `json:"parked"`
	// Dead have a dead letter, Dropped had one that an operator gave up.
	Dead    uint64 `json:"dead"`
	Dropped uint64 `json:"dropped"`
}

// botBalanceDocument says how far a bot is in the stored events of an instance. Events is the sum of the other numbers.
type botBalanceDocument struct {
	// Kind is "balance", Of "bot".
	Kind     string `json:"kind"`
	Of       string `json:"of"`
	Bot      string `json:"bot"`
	Instance string `json:"instance"`
	Events   uint64 `json:"events"`
	// Done were deleted or passed over, Waiting are still to be handed out.
	Done    uint64 `json:"done"`
	Waiting uint64 `json:"waiting"`
}

// ledgerDocument says what became of the bodies in the ledgers. Those that are the same count once.
type ledgerDocument struct {
	// Kind is "balance", Of "ledger".
	Kind string `json:"kind"`
	Of   string `json:"of"`
	// Accepted were answered 200. It is the sum of the numbers up to Missing, which are named as for notifications.
	Accepted    uint64 `json:"accepted"`
	Events      uint64 `json:"events"`
	Duplicates  uint64 `json:"duplicates"`
	DeadLetters uint64 `json:"dead_letters"`
	SentAgain   uint64 `json:"sent_again"`
	Dropped     uint64 `json:"dropped"`
	Waiting     uint64 `json:"waiting"`
	Trimmed     uint64 `json:"trimmed"`
	// Erased were erased by an operator, AgedOut went unprocessed at their greatest age; both are recorded.
	Erased  uint64 `json:"erased"`
	AgedOut uint64 `json:"aged_out"`
	// Missing were answered 200 and are nowhere: the promise that was broken.
	Missing uint64 `json:"missing"`
	// UnknownStored and UnknownNotStored never got a 200, so that both are allowed.
	UnknownStored    uint64 `json:"unknown_stored"`
	UnknownNotStored uint64 `json:"unknown_not_stored"`
	// NotSent are stored and in no ledger: other senders'.
	NotSent uint64 `json:"not_sent"`
}

// goneDocument says what is gone from a stream on purpose.
type goneDocument struct {
	// Kind is "gone".
	Kind   string `json:"kind"`
	Stream string `json:"stream"`
	// Erased were erased by operators, AgedOut, at most so many, went unprocessed at their greatest age.
	Erased  uint64 `json:"erased"`
	AgedOut uint64 `json:"aged_out"`
}

// itemDocument is one thing that was found. Fields that do not apply, or are not known, are left out.
type itemDocument struct {
	// Kind is "item", What one of the kinds of package audit, such as "gap".
	Kind string `json:"kind"`
	What string `json:"what"`
	// Stream is where Sequence is. Neither is there for what only a ledger has.
	Stream   string `json:"stream,omitempty"`
	Sequence uint64 `json:"sequence,omitempty"`
	Key      string `json:"key,omitempty"`
	Source   string `json:"source,omitempty"`
	Type     string `json:"type,omitempty"`
	Instance string `json:"instance,omitempty"`
	Group    string `json:"group,omitempty"`
	// Detail says in a sentence what is wrong.
	Detail string `json:"detail"`
}

// auditObjects writes a report for programs.
func auditObjects(out *term.Output, report *audit.Report) error {
	n := report.Notifications
	_ = out.Object(notificationsDocument{
		Kind: "balance", Of: "notifications", Stored: n.Stored, Events: n.Events, Duplicates: n.Duplicates,
		DeadLetters: n.DeadLetters, SentAgain: n.SentAgain, Dropped: n.Dropped, Waiting: n.Waiting, Trimmed: n.Trimmed,
		Erased: n.Erased, Unaccounted: n.Unaccounted,
	})
	for _, g := range report.Groups {
		_ = out.Object(groupDocument{
			Kind: "balance", Of: "group", Group: g.Name, Events: g.Events, Handled: g.Handled, Waiting: g.Waiting,
			Parked: g.Parked, Dead: g.Dead, Dropped: g.Dropped,
		})
	}
	for _, b := range report.Bots {
		_ = out.Object(botBalanceDocument{
			Kind: "balance", Of: "bot", Bot: b.Bot, Instance: b.Instance, Events: b.Events, Done: b.Done, Waiting: b.Waiting,
		})
	}
	if l := report.Ledger; l != nil {
		_ = out.Object(ledgerDocument{
			Kind: "balance", Of: "ledger", Accepted: l.Accepted, Events: l.Events, Duplicates: l.Duplicates,
			DeadLetters: l.DeadLetters, SentAgain: l.SentAgain, Dropped: l.Dropped, Waiting: l.Waiting, Trimmed: l.Trimmed,
			Erased: l.Erased, AgedOut: l.AgedOut, Missing: l.Missing, UnknownStored: l.UnknownStored, UnknownNotStored: l.UnknownNotStored, NotSent: l.NotSent,
		})
	}
	for _, gone := range report.Gone {
		_ = out.Object(goneDocument{Kind: "gone", Stream: gone.Stream, Erased: gone.Erased, AgedOut: gone.AgedOut})
	}
	for _, item := range report.Items {
		_ = out.Object(itemDocument{
			Kind: "item", What: item.What, Stream: item.Stream, Sequence: item.Sequence, Key: item.Key, Source: item.Source,
			Type: item.Type, Instance: item.Instance, Group: item.Group, Detail: item.Detail,
		})
	}
	return out.Flush() // Which has the error of any line before.
}
