package audit

import (
	"context"
	"math"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/admin"
)

// place is an event in a group, by the group's place in the report.
type place struct {
	group int
	event uint64
}

// countWaiting counts an event for every group. A group that hands out one event of a lane after the other has let go
// of all up to its floor and of none above. One that is not ordered may have let go of some above; they count as
// waiting until the floor has passed them.
func (a *account) countWaiting(event *notification.Event) {
	for i := range a.before.Groups {
		balance := &a.report.Groups[i]
		balance.Events++
		if event.Sequence > floor(a.before.Groups[i].Floors, event.Lane) {
			balance.Waiting++
		}
	}
}

// floor returns that of a lane or shard, 0 where it has none.
func floor(floors []uint64, i int) uint64 {
	if i < 0 || i >= len(floors) {
		return 0
	}
	return floors[i]
}

// settle counts an event that a group let go of, where it is found first.
func (a *account) settle(group string, event uint64, count func(*GroupBalance)) {
	i, known := a.groups[group]
	e, held := a.events.at(event)
	if !known || !held || event > floor(a.before.Groups[i].Floors, int(e.lane)) {
		return
	}
	if at := (place{i, event}); !a.accounted[at] {
		a.accounted[at] = true
		count(&a.report.Groups[i])
	}
}

// closeGroups takes for handled what is none of the others.
func (a *account) closeGroups() {
	for i := range a.report.Groups {
		b := &a.report.Groups[i]
		b.Handled = b.Events - b.Waiting - b.Parked - b.Dead - b.Dropped
	}
}

// toTheEnd is for streams of which everything that is there counts.
func toTheEnd(held admin.Extent) admin.Extent {
	held.Last = math.MaxUint64
	return held
}

func (a *account) readRetries(ctx context.Context) error {
	held := a.before.Retries
	if held.Created.IsZero() {
		return nil
	}
	return read(ctx, a, stream.Retries, toTheEnd(held), a.data.Retries(ctx, admin.Query{}),
		func(retry *notification.Retry) uint64 { return retry.RetrySequence },
		func(retry *notification.Retry) {
			a.settle(retry.Group, retry.Sequence, func(balance *GroupBalance) { balance.Parked++ })
			a.checkRetry(retry)
		})
}

func (a *account) readDeadLetters(ctx context.Context) error {
	held := a.before.DeadLetters
	if held.Created.IsZero() {
		return nil
	}
	return read(ctx, a, stream.DeadLetters, toTheEnd(held), a.data.DeadLetters(ctx, admin.Query{}),
		func(letter *notification.DeadLetter) uint64 { return letter.DeadSequence },
		func(letter *notification.DeadLetter) {
			a.ledgers.storedDeadLetter(letter)
			if letter.Group == "" { // It never became an event.
				of := piece{letter.NotificationSequence, letter.Part}
				a.invalid[of] = append(a.invalid[of], letter.ReceivedAt)
			} else {
				a.settle(letter.Group, letter.Sequence, func(balance *GroupBalance) { balance.Dead++ })
			}
			a.checkDeadLetter(letter)
		})
}

// readOperations finds out what operators did to dead letters, and what is gone on purpose.
func (a *account) readOperations(ctx context.Context) error {
	held := a.before.Operations
	if held.Created.IsZero() {
		return nil
	}
	return read(ctx, a, stream.Operations, toTheEnd(held), a.data.Operations(ctx, admin.Query{}),
		func(operation *notification.Operation) uint64 { return operation.Sequence },
		func(operation *notification.Operation) {
			isEvent := operation.EventSequence != 0
			isOurs := !operation.At.Before(a.before.Notifications.Created)
			switch {
			case operation.What == notification.OperationErase, operation.What == notification.OperationAgeOut:
				a.readGone(operation)
			case operation.What == notification.OperationDropDeadLetter && isEvent:
				a.settle(operation.Group, operation.EventSequence, func(balance *GroupBalance) { balance.Dropped++ })
			case operation.What == notification.OperationDropDeadLetter && isOurs:
				a.dropped[piece{operation.NotificationSequence, operation.Part}] = true
			case operation.What == notification.OperationRetryDeadLetter && !isEvent && isOurs:
				a.sentAgain[piece{operation.NotificationSequence, operation.Part}] = true
			}
		})
}
