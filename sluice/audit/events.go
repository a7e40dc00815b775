package audit

import (
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/admin"
)

// chat is the newest event of one chat so far.
type chat struct {
	notification, sequence uint64
	// ledger and number are those of the newest event that a ledger has.
	ledger, number int
}

// readEvents indexes the events and looks at their order on the way.
func (a *account) readEvents(ctx context.Context) error {
	held := a.before.Events
	a.events = &index{entries: make([]entry, 0, held.Messages)}
	missing, chats := newGaps(held), map[digest]*chat{}
	err := read(ctx, a, stream.Events, held, a.data.Events(ctx, admin.Query{}),
		func(event *notification.Event) uint64 { return event.Sequence },
		func(event *notification.Event) {
			missing.visit(event.Sequence)
			body := sha256.Sum256(event.Body)
			a.events.entries = append(a.events.entries, newEntry(event, body))
			a.checkOrder(chats, event, a.ledgers.storedEvent(event.Source, body))
			a.countWaiting(event)
			a.countForBots(event)
		})
	if err != nil {
		return err
	}
	a.events.finish()
	a.eventGaps = missing
	a.checkDoubled()
	return nil
}

// checkOrder holds an event against the one before of its chat. Notifications of one instance are in one shard, in
// which their sequence is the order of acceptance, and events of one chat are in one lane, which is handled in the
// order of the events' sequences. So along a chat's events the notifications' sequences must ascend; between chats
// and instances they need not, since shards are taken in at the same time.
func (a *account) checkOrder(chats map[digest]*chat, event *notification.Event, sent *sent) {
	if event.ReceivedAt.Before(a.before.Notifications.Created) {
		return // Its sequence is that of a stream that was there before.
	}
	name := digestOf(event.Source, event.Instance, event.OrderKey)
	last, known := chats[name]
	if !known {
		last = &chat{}
		chats[name] = last
	}
	if event.NotificationSequence < last.notification {
		a.misplaced.add(&a.faults, misplacedEvent{event.NotificationSequence, last.notification, eventItem(ItemOutOfOrder, event,
			fmt.Sprintf("it came behind event %d of the same chat, though its notification %d was accepted before notification %d",
				last.sequence, event.NotificationSequence, last.notification))})
	} else {
		last.notification, last.sequence = event.NotificationSequence, event.Sequence
	}
	if sent == nil || !sent.ordered() {
		return
	}
	if last.ledger == sent.ledger && sent.number < last.number {
		a.faults.add(eventItem(ItemOutOfOrder, event, fmt.Sprintf(
			"it is number %d of its instance in the ledger and came behind number %d of the same chat", sent.number, last.number)))
		return
	}
	last.ledger, last.number = sent.ledger, sent.number
}

func eventItem(what string, event *notification.Event, detail string) Item {
	return Item{
		What: what, Stream: stream.Events, Sequence: event.Sequence, Key: event.Key,
		Source: event.Source, Type: event.Type, Instance: event.Instance, Detail: detail,
	}
}

// precision is how exactly the index knows when an event was stored, with room for rounding on both sides.
const precision = 2 * time.Second

// checkDoubled looks for events that are there twice.
func (a *account) checkDoubled() {
	window := a.before.Window - precision
	a.events.pairs(a.events.byKey, func(e, f *entry) bool { return e.key == f.key }, func(first, second *entry) {
		if second.storedAt().Sub(first.storedAt()) < window {
			a.faults.add(Item{What: ItemDoubled, Stream: stream.Events, Sequence: second.sequence, Detail: fmt.Sprintf(
				"it has the key of event %d, which was stored within the duplicate window before it", first.sequence)})
		}
	})
	a.events.pairs(a.events.byNotification, func(e, f *entry) bool {
		return e.notification == f.notification && e.received == f.received && e.part == f.part && e.key != f.key
	}, func(first, second *entry) {
		a.faults.add(Item{What: ItemDoubled, Stream: stream.Events, Sequence: second.sequence, Detail: fmt.Sprintf(
			"it was made of notification %d, and so was event %d", first.notification, first.sequence)})
	})
}

// maxMisplaced bounds how many events out of order wait for the notifications to be read.
const maxMisplaced = 10_000

// misplacedEvent is an event that is not in its place, if its notification and the other one were in one shard. They are,
// unless the gateway found another instance in a body than the intake did.
type misplacedEvent struct {
	notification, other uint64
	item                Item
}

type misplacedEvents struct {
	all    []misplacedEvent
	shards map[uint64]int // of the notifications in question, -1 where it is not known
}

func (s *misplacedEvents) add(faults *findings, found misplacedEvent) {
	if len(s.all) >= maxMisplaced {
		faults.add(found.item)
		return
	}
	if s.shards == nil {
		s.shards = map[uint64]int{}
	}
	s.shards[found.notification], s.shards[found.other] = -1, -1
	s.all = append(s.all, found)
}

func (s *misplacedEvents) visit(n *notification.Notification) {
	if _, wanted := s.shards[n.Sequence]; wanted {
		s.shards[n.Sequence] = n.Shard
	}
}

// finish adds those to the faults that are no mistake.
func (s *misplacedEvents) finish(faults *findings) {
	for _, found := range s.all {
		shard, other := s.shards[found.notification], s.shards[found.other]
		if shard < 0 || other < 0 || shard == other {
			faults.add(found.item)
		}
	}
}
