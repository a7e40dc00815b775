package audit

// Report is what an audit found.
type Report struct {
	Notifications Balance
	Groups        []GroupBalance
	Bots          []BotBalance
	// Gone has what is gone on purpose and recorded; nil when nothing is.
	Gone []Gone
	// Ledger is nil when there is no ledger.
	Ledger *LedgerBalance
	// Items are the things that are wrong and, where they were asked for, the duplicates. Counts has how many there
	// are of each kind, also of those that the limit left out.
	Items  []Item
	Counts map[string]uint64
}

// Outcomes counts notifications by what became of them.
type Outcomes struct {
	// Events have an event of their own, Duplicates one of another notification that is the same.
	Events, Duplicates uint64
	// DeadLetters were invalid. SentAgain were too, and a later notification is their second try.
	DeadLetters, SentAgain uint64
	// Dropped were invalid and an operator dropped them.
	Dropped uint64
	// Waiting were not acknowledged by the intake when the audit began.
	Waiting uint64
	// Trimmed are so old that their event, or the one they repeat, may have been trimmed.
	Trimmed uint64
	// Erased were erased by an operator, or repeat what was. AgedOut went unprocessed at their greatest age. Both are
	// recorded. What is gone itself is known of what a ledger has.
	Erased, AgedOut uint64
}

// Gone counts what an operation took out of a stream.
type Gone struct {
	// Stream is NOTIFICATIONS or EVENTS.
	Stream string
	// Erased were erased by operators. AgedOut went unprocessed at their greatest age, at most so many: those in between that
	// were processed are counted too.
	Erased, AgedOut uint64
}

// Balance says what became of the notifications that are stored.
type Balance struct {
	// Stored is the sum of all others.
	Stored uint64
	Outcomes
	// Unaccounted have none of these outcomes.
	Unaccounted uint64
}

// GroupBalance says what a group did with the events that are stored.
type GroupBalance struct {
	Name string
	// Events is the sum of all others.
	Events uint64
	// Handled are those the group let go of that are none of the others.
	Handled uint64
	// Waiting were not acknowledged when the audit began, Parked wait for another attempt, which can be due.
	Waiting, Parked uint64
	// Dead have a dead letter, Dropped had one that an operator dropped.
	Dead, Dropped uint64
}

// LedgerBalance says what became of what the ledgers' simulators sent. Bodies that are the same count once.
type LedgerBalance struct {
	// Accepted were answered 200. It is the sum of the outcomes and Missing.
	Accepted uint64
	Outcomes
	// Missing are stored nowhere, in no form.
	Missing uint64
	// UnknownStored and UnknownNotStored never got a 200, and are there all the same or are not.
	UnknownStored, UnknownNotStored uint64
	// NotSent are notifications that no ledger has.
	NotSent uint64
}

// Item is one thing that was found.
type Item struct {
	// What is one of the constants.
	What string
	// Stream is where Sequence is; both are empty for what only a ledger has.
	Stream   string
	Sequence uint64
	// Key, Source, Type, Instance and Group are those of what it is about, each empty where it is not known.
	Key, Source, Type, Instance, Group string
	// Detail says in a sentence what is wrong.
	Detail string
}

// The kinds of items. All but ItemDuplicate mean that something is wrong.
const (
	// ItemUnaccounted is a notification of which nobody knows what became.
	ItemUnaccounted = "unaccounted"
	// ItemMissing is what a ledger has as answered 200 and what is nowhere.
	ItemMissing = "missing"
	// ItemGap is a message that is gone from the middle of a stream.
	ItemGap = "gap"
	// ItemDoubled is an event that is there twice.
	ItemDoubled = "doubled"
	// ItemOtherBody is an event with another body than its notification.
	ItemOtherBody = "other-body"
	// ItemOutOfOrder is an event that is not in its place.
	ItemOutOfOrder = "out-of-order"
	// ItemUnknownEvent is a dead letter or retry of something that never was.
	ItemUnknownEvent = "unknown-event"
	// ItemGoneGroup is a retry that is parked for a group that is not there.
	ItemGoneGroup = "gone-group"
	// ItemAhead is a bot whose position is ahead of all events.
	ItemAhead = "ahead"
	// ItemDuplicate is a notification that is the same as one before, with the event of that one.
	ItemDuplicate = "duplicate"
)

// Wrong counts what is wrong.
func (r *Report) Wrong() uint64 {
	sum := uint64(0)
	for what, count := range r.Counts {
		if what != ItemDuplicate {
			sum += count
		}
	}
	return sum
}

// findings collects items, of each kind at most the limit.
type findings struct {
	limit  int
	items  []Item
	counts map[string]uint64
}

func (f *findings) add(item Item) {
	if f.counts == nil {
		f.counts = map[string]uint64{}
	}
	f.counts[item.What]++
	if f.limit == 0 || f.counts[item.What] <= uint64(f.limit) { //nolint:gosec // Not negative.
		f.items = append(f.items, item)
	}
}
