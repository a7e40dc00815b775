package audit

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"iter"
	"net/http"
	"strconv"
	"time"
	"unique"

	"sluice.internal/shared/notification"
	"sluice.internal/sluice/simulate"
)

// book has what the ledgers say was sent, and what of it was found. A nil book has nothing.
type book struct {
	// sent are all bodies in the order of the ledgers, places where each is, by its source and hash.
	sent   []sent
	places map[digest]uint32
	// newest is the highest number so far of each ledger and instance, along the notifications.
	newest map[digest]int
	// notSent counts notifications that no ledger has.
	notSent uint64
}

// sent is a body that a simulator sent, mostly that of one notification.
type sent struct {
	ledger, number int
	// numbers counts the notifications of which it is the body.
	numbers                int
	source, kind, instance unique.Handle[string]
	// begun is when it was sent first, in seconds.
	begun    int64
	accepted bool
	receipt  uint64
	// events counts those with this body. found is what became of it otherwise.
	events int
	found  outcome
}

// ordered tells whether the place of its event is known: it was accepted, and nothing else has this body.
func (s *sent) ordered() bool { return s.accepted && s.numbers == 1 }

// openBook reads the ledgers.
func openBook(ctx context.Context, ledgers []iter.Seq2[simulate.Entry, error]) (*book, error) {
	if len(ledgers) == 0 {
		return nil, nil //nolint:nilnil // A book without ledgers has nothing.
	}
	b := &book{places: map[digest]uint32{}, newest: map[digest]int{}}
	for i, entries := range ledgers {
		for entry, err := range entries {
			if err == nil {
				err = b.enter(i+1, &entry)
			}
			if err != nil {
				return nil, err
			}
			if ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
		}
	}
	return b, nil
}

// enter adds an attempt. Ledgers are counted from 1.
func (b *book) enter(ledger int, entry *simulate.Entry) error {
	body, err := hex.DecodeString(entry.BodySHA256)
	if err != nil || len(body) != sha256.Size {
		return fmt.Errorf("read ledger: body_sha256 %q of number %d of instance %q is no SHA-256 in hex",
			entry.BodySHA256, entry.Number, entry.Instance)
	}
	name := bodyOf(entry.Source, [sha256.Size]byte(body))
	at, known := b.places[name]
	if !known {
		at = uint32(len(b.sent)) //nolint:gosec // Four thousand million bodies do not fit into memory.
		b.places[name] = at
		b.sent = append(b.sent, sent{
			ledger: ledger, number: entry.Number, numbers: 1, begun: entry.At.Unix(),
			source: unique.Make(entry.Source), kind: unique.Make(entry.Type), instance: unique.Make(entry.Instance),
		})
	}
	s := &b.sent[at]
	if s.ledger != ledger || s.number != entry.Number {
		s.ledger, s.number, s.numbers = ledger, entry.Number, s.numbers+1
	}
	if entry.Status == http.StatusOK && !s.accepted {
		s.accepted = true
		s.receipt, _ = strconv.ParseUint(entry.Receipt, 10, 64) // Without one it is only not found by it.
	}
	return nil
}

func bodyOf(source string, body [sha256.Size]byte) digest { return digestOf(source, string(body[:])) }

func (b *book) find(source string, body [sha256.Size]byte) *sent {
	if b == nil {
		return nil
	}
	at, known := b.places[bodyOf(source, body)]
	if !known {
		return nil
	}
	return &b.sent[at]
}

// storedEvent notes an event and returns what was sent, nil when that is in no ledger.
func (b *book) storedEvent(source string, body [sha256.Size]byte) *sent {
	s := b.find(source, body)
	if s != nil {
		s.events++
	}
	return s
}

func (b *book) storedLetter(letter *notification.DeadLetter) {
	if b == nil {
		return
	}
	if s := b.find(letter.Source, sha256.Sum256(letter.Body)); s != nil {
		s.found = isDeadLetter
	}
}

// storedNotification notes what became of a notification. Those with an event of their own were accepted first, and
// since a sender sends those of one instance one after the other, they must be in the order in which it did.
func (b *book) storedNotification(n *notification.Notification, body [sha256.Size]byte, found outcome, faults *findings) {
	s := b.find(n.Source, body)
	switch {
	case b == nil:
		return
	case s == nil:
		b.notSent++
		return
	case found != nowhere:
		s.found = found
	}
	if found != isEvent || !s.ordered() {
		return
	}
	instance := digestOf(strconv.Itoa(s.ledger), n.Source, s.instance.Value())
	if last := b.newest[instance]; s.number < last {
		faults.add(notificationItem(ItemOutOfOrder, n,
			fmt.Sprintf("it is number %d of its instance in the ledger and was accepted after number %d", s.number, last)))
		return
	}
	b.newest[instance] = s.number
}

// closeBook finds out what became of everything that was sent.
func (a *account) closeBook() {
	if a.book == nil {
		return
	}
	balance := &LedgerBalance{NotSent: a.book.notSent}
	a.report.Ledger = balance
	for i := range a.book.sent {
		s := &a.book.sent[i]
		if s.events > s.numbers {
			a.faults.add(s.item(ItemDoubled, fmt.Sprintf("its body is that of %d events", s.events)))
		}
		if s.accepted {
			a.closeAccepted(balance, s)
			continue
		}
		if s.events > 0 || s.found != nowhere {
			balance.UnknownStored++
		} else {
			balance.UnknownNotStored++
		}
	}
}

func (a *account) closeAccepted(balance *LedgerBalance, s *sent) {
	balance.Accepted++
	found := s.found
	switch {
	case s.events > 0:
		found = isEvent
	case found == nowhere && s.receipt != 0 && a.dropped[s.receipt]:
		found = isDropped
	case found == nowhere && a.trimmedSince(time.Unix(s.begun, 0).Add(-clockSkew)):
		found = isTrimmed
	}
	switch found {
	case isEvent:
		balance.Events++
	case isDuplicate:
		balance.Duplicates++
	case isDeadLetter:
		balance.DeadLetters++
	case isSentAgain:
		balance.SentAgain++
	case isDropped:
		balance.Dropped++
	case isWaiting:
		balance.Waiting++
	case isTrimmed:
		balance.Trimmed++
	case nowhere:
		balance.Missing++
		a.faults.add(s.item(ItemMissing, fmt.Sprintf(
			"it was answered 200 with receipt %d, and there is no event of it, no dead letter and nothing that waits", s.receipt)))
	}
}

// item is about something in a ledger, which has the rest under its number.
func (s *sent) item(what, detail string) Item {
	return Item{
		What: what, Source: s.source.Value(), Type: s.kind.Value(), Instance: s.instance.Value(),
		Detail: fmt.Sprintf("number %d of its instance in the ledger: %s", s.number, detail),
	}
}
