package audit

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"time"
	"unique"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/source"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/admin"
)

// readNotifications finds out what became of each. Those stored after the audit began serve as evidence alone: they
// may be the second try of one before.
func (a *account) readNotifications(ctx context.Context) error {
	var err error
	if a.behind, err = a.data.Progress(ctx); err != nil {
		return err
	}
	held := a.behind.Notifications
	missing := newGaps(a.before.Notifications)
	err = read(ctx, a, stream.Notifications, held, a.data.Notifications(ctx, admin.Query{}),
		func(n *notification.Notification) uint64 { return n.Sequence },
		func(n *notification.Notification) {
			missing.visit(n.Sequence)
			a.stillThere(n.Sequence)
			a.misplaced.visit(n)
			if n.RetryOf != 0 {
				a.sentAgain[piece{n.RetryOf, n.Part}] = true
			}
			if n.Sequence <= a.before.Notifications.Last {
				a.count(n)
			}
		})
	if err != nil {
		return err
	}
	now, err := a.data.Progress(ctx)
	if err != nil {
		return err
	}
	a.closeNotifications()
	a.misplaced.finish(&a.faults)
	a.checkDeferred()
	a.checkBots()
	for _, s := range a.unexplained(stream.Events, a.eventGaps.finish(a.before.Events.Last, a.behind.Events.First)) {
		a.faults.add(s.item(stream.Events, "event"))
	}
	for _, s := range a.unexplained(stream.Notifications, missing.finish(held.Last, now.Notifications.First)) {
		a.faults.add(s.item(stream.Notifications, "notification"))
	}
	return nil
}

// piece is a notification, or a part of one that was divided, which has a number from 1.
type piece struct {
	notification uint64
	part         int
}

// count adds a notification to the balance. One that is divided counts once: for an event where a part is one.
func (a *account) count(n *notification.Notification) {
	balance := &a.report.Notifications
	balance.Stored++
	whole := sha256.Sum256(n.Body)
	parts, fault := source.Parts(a.settings.Providers, n)
	var (
		found outcome
		open  candidate
	)
	for _, part := range parts {
		body := whole
		if len(parts) > 1 || part != n {
			body = sha256.Sum256(part.Body)
		}
		became, key := a.outcomeOf(part, shortHash(body), fault != nil)
		if became == nowhere || became == isSentAgain {
			// A later notification may still turn out to be its second try.
			if open.parts == nil {
				open = newCandidate(n, key)
			}
			open.parts = append(open.parts, part.Part)
		} else if found == nowhere || became < found {
			found = became
		}
	}
	if open.parts != nil {
		open.others, found = found, nowhere
		a.open = append(a.open, open)
	} else {
		balance.add(found)
	}
	a.ledgers.storedNotification(n, whole, found, &a.faults)
}

// outcomeOf goes from what is certain to what is concluded, about a notification or a part of one. The key is empty where the
// body did not have to be read, or is unreadable.
func (a *account) outcomeOf(n *notification.Notification, body uint64, unreadable bool) (found outcome, key string) {
	own := piece{n.Sequence, n.Part}
	if event, found := a.events.of(n); found {
		if event.body != body {
			a.faults.add(notificationItem(ItemOtherBody, n, fmt.Sprintf("its event %d has another body", event.sequence)))
		}
		return isEvent, ""
	}
	switch {
	case slices.ContainsFunc(a.invalid[own], n.ReceivedAt.Equal):
		return isDeadLetter, ""
	case a.sentAgain[own]:
		return isSentAgain, ""
	case a.dropped[own]:
		return isDropped, ""
	case n.Sequence > floor(a.before.Intake, n.Shard):
		return isWaiting, ""
	}
	what, fault := source.Interpret(a.settings.Providers, n)
	readable := fault == nil && !unreadable
	if readable {
		key = keys(what.Identity, n.ReceivedAt)[0]
	}
	original, repeats := a.original(n, what.Identity)
	switch {
	case readable && repeats:
		a.reportDuplicate(n, key, original)
		return isDuplicate, key
	case readable && a.repeatsErased(keys(what.Identity, n.ReceivedAt)):
		return isErased, key
	case a.mayBeTrimmed(n, what.Identity):
		return isTrimmed, key
	default:
		return nowhere, key
	}
}

func (a *account) reportDuplicate(n *notification.Notification, key string, original *entry) {
	if !a.settings.Duplicates {
		return
	}
	item := notificationItem(ItemDuplicate, n, fmt.Sprintf("it is the same as notification %d, which is event %d",
		original.notification, original.sequence))
	item.Key = key
	a.faults.add(item)
}

// original finds the event that a notification repeats: one with its key that the store knew when the notification was
// taken in. That was when it was stored or, in a backlog, later; an event that came in between belongs to a
// notification before it.
func (a *account) original(n *notification.Notification, identity notification.Identity) (original *entry, found bool) {
	for _, key := range keys(identity, n.ReceivedAt) {
		a.events.withKey(key, func(e *entry) bool {
			age := n.StoredAt.Sub(e.storedAt())
			known := age < a.before.Window+precision
			before := e.notification < n.Sequence || age > -a.before.Window
			if known && before {
				original, found = e, true
			}
			return !found
		})
	}
	return original, found
}

// keys are those that a notification can have been stored with. Where they depend on when the first one like it came,
// that was in its window or in a neighbouring one.
func keys(identity notification.Identity, receivedAt time.Time) []string {
	if identity.Window <= 0 {
		return []string{identity.Key}
	}
	begin := receivedAt.Truncate(identity.Window)
	return []string{
		identity.KeyIn(begin), identity.KeyIn(begin.Add(-identity.Window)), identity.KeyIn(begin.Add(identity.Window)),
	}
}

// clockSkew is how far the clocks of senders may be off.
const clockSkew = 5 * time.Minute

// mayBeTrimmed reports whether the event of a notification, or the one that it repeats, may be older than all that
// EVENTS still has, or its dead letter older than those.
//
// Only events older than the duplicate window are trimmed. The event of a repeated notification was stored within the
// window before it, and not before the sender's time that both carry. So for nearly all, even when there is only room
// for the window, this is known to be impossible.
func (a *account) mayBeTrimmed(n *notification.Notification, identity notification.Identity) bool {
	since := n.StoredAt.Add(-a.before.Window)
	if sent := identity.SentAt.Add(-clockSkew); sent.After(since) {
		since = sent
	}
	return a.trimmedSince(since) || a.deadLettersGoneSince(n.StoredAt)
}

// trimmedSince reports whether events that were stored after a time may have been trimmed.
func (a *account) trimmedSince(since time.Time) bool {
	held := a.behind.Events
	horizon := a.behind.At.Add(-a.before.Window)
	if held.First <= 1 || !horizon.After(held.Created) {
		return false
	}
	if held.Messages > 0 && held.FirstAt.Before(horizon) {
		horizon = held.FirstAt
	}
	return !since.After(horizon)
}

// fullDeadLetters is the share of its capacity from which on the stream of dead letters drops its oldest now and then.
const fullDeadLetters = 0.9

// deadLettersGoneSince reports whether dead letters that were stored after a time may have made way for others.
func (a *account) deadLettersGoneSince(since time.Time) bool {
	held := a.behind.DeadLetters
	if held.MaxAge > 0 && since.Before(a.behind.At.Add(-held.MaxAge)) {
		return true
	}
	full := held.MaxBytes > 0 && float64(held.Bytes) > fullDeadLetters*float64(held.MaxBytes)
	return full && held.First > 1 && since.Before(held.FirstAt)
}

// candidate is a notification that nothing accounts for so far.
type candidate struct {
	sequence               uint64
	parts                  []int   // that nothing accounts for; 0 is the whole
	others                 outcome // of the other parts
	shard                  int
	key                    string
	source, kind, instance unique.Handle[string]
}

func newCandidate(n *notification.Notification, key string) candidate {
	return candidate{
		sequence: n.Sequence, shard: n.Shard, key: key,
		source: unique.Make(n.Source), kind: unique.Make(n.Type), instance: unique.Make(n.Instance),
	}
}

// closeNotifications decides about what was left open.
func (a *account) closeNotifications() {
	for _, c := range a.open {
		sentAgain := func(part int) bool { return a.sentAgain[piece{c.sequence, part}] }
		if lost := slices.DeleteFunc(c.parts, sentAgain); len(lost) == 0 {
			if c.others == nowhere {
				c.others = isSentAgain
			}
			a.report.Notifications.add(c.others)
			continue
		}
		a.report.Notifications.Unaccounted++
		a.faults.add(Item{
			What: ItemUnaccounted, Stream: stream.Notifications, Sequence: c.sequence, Key: c.key,
			Source: c.source.Value(), Type: c.kind.Value(), Instance: c.instance.Value(),
			Detail: fmt.Sprintf("the intake of shard %d acknowledged it, and there is no event of it and no dead letter", c.shard),
		})
	}
}

func notificationItem(what string, n *notification.Notification, detail string) Item {
	return Item{
		What: what, Stream: stream.Notifications, Sequence: n.Sequence,
		Source: n.Source, Type: n.Type, Instance: n.Instance, Detail: detail,
	}
}
