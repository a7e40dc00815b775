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
	"sluice.internal/shared/stream"
	"sluice.internal/sluice/ledger"
)

// ledgerIndex has what the ledgers say was sent, and what of it was found. A nil ledgerIndex has nothing.
type ledgerIndex struct {
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

// ordered reports whether the place of its event is known: it was accepted, and nothing else has this body.
func (s *sent) ordered() bool { return s.accepted && s.numbers == 1 }

// indexLedgers reads the ledgers.
func indexLedgers(ctx context.Context, ledgers []iter.Seq2[ledger.Entry, error]) (*ledgerIndex, error) {
	if len(ledgers) == 0 {
		return nil, nil //nolint:nilnil // A ledgerIndex without ledgers has nothing.
	}
	x := &ledgerIndex{places: map[digest]uint32{}, newest: map[digest]int{}}
	for i, entries := range ledgers {
		for entry, err := range entries {
			if err == nil {
				err = x.enter(i+1, &entry)
			}
			if err != nil {
				return nil, err
			}
			if ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
		}
	}
	return x, nil
}

// enter adds an attempt. Ledgers are counted from 1.
func (x *ledgerIndex) enter(ledger int, entry *ledger.Entry) error {
	body, err := hex.DecodeString(entry.BodySHA256)
	if err != nil || len(body) != sha256.Size {
		return fmt.Errorf("read ledger: body_sha256 %q of number %d of instance %q is no SHA-256 in hex",
			entry.BodySHA256, entry.Number, entry.Instance)
	}
	name := bodyOf(entry.Source, [sha256.Size]byte(body))
	at, known := x.places[name]
	if !known {
		at = uint32(len(x.sent)) //nolint:gosec // Four thousand million bodies do not fit into memory.
		x.places[name] = at
		x.sent = append(x.sent, sent{
			ledger: ledger, number: entry.Number, numbers: 1, begun: entry.At.Unix(),
			source: unique.Make(entry.Source), kind: unique.Make(entry.Type), instance: unique.Make(entry.Instance),
		})
	}
	s := &x.sent[at]
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

func (x *ledgerIndex) find(source string, body [sha256.Size]byte) *sent {
	if x == nil {
		return nil
	}
	at, known := x.places[bodyOf(source, body)]
	if !known {
		return nil
	}
	return &x.sent[at]
}

// storedEvent notes an event and returns what was sent, nil when that is in no ledger.
func (x *ledgerIndex) storedEvent(source string, body [sha256.Size]byte) *sent {
	s := x.find(source, body)
	if s != nil {
		s.events++
	}
	return s
}

func (x *ledgerIndex) storedDeadLetter(letter *notification.DeadLetter) {
	if x == nil {
		return
	}
	if s := x.find(letter.Source, sha256.Sum256(letter.Body)); s != nil {
		s.found = isDeadLetter
	}
}

// storedNotification notes what became of a notification. Those with an event of their own were accepted first, and
// since a sender sends those of one instance one after the other, they must be in the order in which it did.
func (x *ledgerIndex) storedNotification(n *notification.Notification, body [sha256.Size]byte, found outcome, faults *findings) {
	s := x.find(n.Source, body)
	switch {
	case x == nil:
		return
	case s == nil:
		x.notSent++
		return
	case found != nowhere:
		s.found = found
	}
	if found != isEvent || !s.ordered() {
		return
	}
	instance := digestOf(strconv.Itoa(s.ledger), n.Source, s.instance.Value())
	if last := x.newest[instance]; s.number < last {
		faults.add(notificationItem(ItemOutOfOrder, n,
			fmt.Sprintf("it is number %d of its instance in the ledger and was accepted after number %d", s.number, last)))
		return
	}
	x.newest[instance] = s.number
}

// closeLedgers finds out what became of everything that was sent.
func (a *account) closeLedgers() {
	if a.ledgers == nil {
		return
	}
	balance := &LedgerBalance{NotSent: a.ledgers.notSent}
	a.report.Ledger = balance
	for i := range a.ledgers.sent {
		s := &a.ledgers.sent[i]
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
	case found == nowhere && s.receipt != 0 && a.dropped[piece{notification: s.receipt}]:
		found = isDropped
	case found == nowhere && isGone(a.erased, stream.Notifications, s.receipt):
		found = isErased
	case found == nowhere && isGone(a.agedOut, stream.Notifications, s.receipt):
		found = isAgedOut
	case found == nowhere && a.trimmedSince(time.Unix(s.begun, 0).Add(-clockSkew)):
		found = isTrimmed
	}
	if found == nowhere {
		balance.Missing++
		a.faults.add(s.item(ItemMissing, fmt.Sprintf(
			"it was answered 200 with receipt %d, and there is no event of it, no dead letter and nothing that waits", s.receipt)))
		return
	}
	balance.add(found)
}

// item is about something in a ledger, which has the rest under its number.
func (s *sent) item(what, detail string) Item {
	return Item{
		What: what, Source: s.source.Value(), Type: s.kind.Value(), Instance: s.instance.Value(),
		Detail: fmt.Sprintf("number %d of its instance in the ledger: %s", s.number, detail),
	}
}
