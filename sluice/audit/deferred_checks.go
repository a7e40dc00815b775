package audit

import (
	"fmt"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
)

// deferredCheck is what a dead letter or a retry says that could not be checked when it was read: it names something newer
// than what was looked at, which may be there by now.
type deferredCheck struct {
	item Item
	// event and notification have to be there, 0 for none.
	event, notification uint64
	// group has to be there, empty for none.
	group string
}

func (a *account) checkRetry(retry *notification.Retry) {
	item := Item{
		Stream: stream.Retries, Sequence: retry.RetrySequence, Key: retry.Key, Source: retry.Source,
		Type: retry.Type, Instance: retry.Instance, Group: retry.Group,
	}
	a.checkEvent(item, &retry.Event)
	if _, known := a.groups[retry.Group]; !known {
		item.What, item.Detail = ItemGoneGroup, fmt.Sprintf("it waits for group %q, which is not there", retry.Group)
		a.deferred = append(a.deferred, deferredCheck{item: item, group: retry.Group})
	}
}

func (a *account) checkDeadLetter(letter *notification.DeadLetter) {
	item := Item{
		Stream: stream.DeadLetters, Sequence: letter.DeadSequence, Key: letter.Key, Source: letter.Source,
		Type: letter.Type, Instance: letter.Instance, Group: letter.Group,
	}
	switch {
	case letter.Group != "" && !letter.DiedAt.Before(a.before.Events.Created):
		a.checkEvent(item, &letter.Event)
	case letter.Group == "" && !letter.DiedAt.Before(a.before.Notifications.Created):
		item.What = ItemUnknownEvent
		item.Detail = fmt.Sprintf("notification %d, which it names, never was", letter.NotificationSequence)
		a.deferred = append(a.deferred, deferredCheck{item: item, notification: letter.NotificationSequence})
	}
}

// checkEvent looks for the event that something names. One that is not there any more was trimmed, or is reported as
// a gap.
func (a *account) checkEvent(item Item, event *notification.Event) {
	item.What = ItemUnknownEvent
	e, held := a.events.at(event.Sequence)
	switch {
	case event.Sequence == 0:
		item.Detail = "it names no event"
		a.faults.add(item)
	case held && e.key != digestOf(event.Key):
		item.Detail = fmt.Sprintf("event %d, which it names, has another key", event.Sequence)
		a.faults.add(item)
	case event.Sequence > a.before.Events.Last:
		item.Detail = fmt.Sprintf("event %d, which it names, never was", event.Sequence)
		a.deferred = append(a.deferred, deferredCheck{item: item, event: event.Sequence})
	}
}

// checkDeferred decides about the deferred checks by what is there now.
func (a *account) checkDeferred() {
	present := map[string]bool{"": true}
	for _, group := range a.behind.Groups {
		present[group.Name] = true
	}
	for _, c := range a.deferred {
		if c.event > a.behind.Events.Last || c.notification > a.behind.Notifications.Last || !present[c.group] {
			a.faults.add(c.item)
		}
	}
}
