package audit_test

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"testing"
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/source"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/admin"
	"sluice.internal/shared/stream/position"
	"sluice.internal/sluice/audit"
)

const (
	window = 48 * time.Hour
	shards = 2
	lanes  = 4
)

var began = time.Date(2026, 11, 1, 7, 0, 0, 0, time.UTC)

// world is made-up data: what gateways, workers and operators leave behind, or do not.
type world struct {
	now           time.Time
	created       time.Time // of all streams
	notifications []notification.Notification
	events        []notification.Event
	retries       []notification.Retry
	letters       []notification.DeadLetter
	operations    []notification.Operation
	bots          []admin.Bot
	last          map[string]uint64
	// floors are the intake's by shard, handled the floors of the groups by lane.
	floors  []uint64
	handled map[string][]uint64
	// letterBounds are those of the stream of dead letters.
	letterBounds admin.Extent
	// looks counts how often the events were read.
	looks int
	// meanwhile is called once when a stream is about to be read.
	meanwhile map[string]func()
}

func newWorld() *world {
	return &world{
		now: began, created: began, last: map[string]uint64{}, floors: make([]uint64, shards),
		handled: map[string][]uint64{"default": make([]uint64, lanes)}, meanwhile: map[string]func(){},
		// Large enough that what points into them stays right.
		notifications: make([]notification.Notification, 0, 100), events: make([]notification.Event, 0, 100),
	}
}

func (w *world) next(name string) uint64 {
	w.last[name]++
	return w.last[name]
}

// call is the body of a call in a chat of an instance.
func call(instance int, chat, id string) string {
	return fmt.Sprintf(`{"typeWebhook":"incomingCall","instanceData":{"idInstance":%d},"from":%q,"idMessage":%q,"status":"offer","timestamp":%d}`,
		instance, chat, id, began.Unix())
}

// timelessCall is a call that does not say when it was.
func timelessCall(instance int, chat, id string) string {
	return fmt.Sprintf(`{"typeWebhook":"incomingCall","instanceData":{"idInstance":%d},"from":%q,"idMessage":%q,"status":"offer"}`, instance, chat, id)
}

// notify stores a notification, as a gateway does. A second passes with each.
func (w *world) notify(body string) *notification.Notification {
	w.now = w.now.Add(time.Second)
	n := notification.Notification{
		Origin: notification.Origin{
			Source: "green-api", Provider: "green-api", Body: []byte(body),
			ReceivedAt: w.now.Add(-time.Millisecond),
		},
		StoredAt: w.now, Sequence: w.next(stream.Notifications),
	}
	if what, fault := source.Interpret(source.Providers(), &n); fault == nil {
		n.Type, n.Instance = what.Identity.Type, what.Identity.Instance
	}
	n.Shard = len(n.Instance) % shards
	w.notifications = append(w.notifications, n)
	return &w.notifications[len(w.notifications)-1]
}

// settle acknowledges what is in a notification's shard, up to it.
func (w *world) settle(n *notification.Notification) { w.floors[n.Shard] = n.Sequence }

// accept makes the event of a notification, as the intake does, and lets the groups handle it.
func (w *world) accept(n *notification.Notification) *notification.Event {
	understood, fault := source.Interpret(source.Providers(), n)
	if fault != nil {
		panic(fault.Message)
	}
	event := notification.Event{
		Origin:   notification.Origin{Source: n.Source, Provider: n.Provider, ReceivedAt: n.ReceivedAt, Body: n.Body},
		Identity: understood.Identity,
		StoredAt: w.now, Sequence: w.next(stream.Events), NotificationSequence: n.Sequence,
		Lane: len(understood.Identity.OrderKey) % lanes,
	}
	w.events = append(w.events, event)
	w.settle(n)
	for _, floors := range w.handled {
		floors[event.Lane] = event.Sequence
	}
	return &w.events[len(w.events)-1]
}

// send is notify and accept.
func (w *world) send(instance int, chat, id string) *notification.Event {
	return w.accept(w.notify(call(instance, chat, id)))
}

// refuse makes a dead letter of a notification.
func (w *world) refuse(n *notification.Notification) {
	w.letters = append(w.letters, notification.DeadLetter{
		Event: notification.Event{
			Origin:               notification.Origin{Source: n.Source, ReceivedAt: n.ReceivedAt, Body: n.Body},
			NotificationSequence: n.Sequence,
		},
		Reason: notification.ReasonInvalid, DiedAt: w.now, DeadSequence: w.next(stream.DeadLetters),
	})
	w.settle(n)
}

// bury makes a dead letter of an event that the group gave up.
func (w *world) bury(event notification.Event) {
	w.letters = append(w.letters, notification.DeadLetter{
		Event: event, Reason: notification.ReasonExhausted, Group: "default", DiedAt: w.now, DeadSequence: w.next(stream.DeadLetters),
	})
}

func (w *world) park(group string, event notification.Event) {
	w.retries = append(w.retries, notification.Retry{Event: event, Group: group, RetrySequence: w.next(stream.Retries)})
}

func (w *world) operate(operation notification.Operation) {
	operation.At, operation.Sequence = w.now, w.next(stream.Operations)
	w.operations = append(w.operations, operation)
}

// wait lets time pass.
func (w *world) wait(d time.Duration) { w.now = w.now.Add(d) }

// trim takes out the oldest of the events or notifications.
func (w *world) trim(name string, count int) {
	if name == stream.Events {
		w.events = w.events[count:]
	} else {
		w.notifications = w.notifications[count:]
	}
}

func (w *world) Progress(context.Context) (admin.Progress, error) {
	progress := admin.Progress{
		At: w.now, Window: window, Intake: slices.Clone(w.floors),
		Notifications: extent(w, stream.Notifications, w.notifications, func(n notification.Notification) (uint64, time.Time) { return n.Sequence, n.StoredAt }),
		Events:        extent(w, stream.Events, w.events, func(e notification.Event) (uint64, time.Time) { return e.Sequence, e.StoredAt }),
		Retries:       extent(w, stream.Retries, w.retries, func(r notification.Retry) (uint64, time.Time) { return r.RetrySequence, r.StoredAt }),
		DeadLetters:   extent(w, stream.DeadLetters, w.letters, func(l notification.DeadLetter) (uint64, time.Time) { return l.DeadSequence, l.DiedAt }),
		Operations:    extent(w, stream.Operations, w.operations, func(o notification.Operation) (uint64, time.Time) { return o.Sequence, o.At }),
	}
	progress.DeadLetters.Bytes, progress.DeadLetters.MaxBytes = w.letterBounds.Bytes, w.letterBounds.MaxBytes
	progress.DeadLetters.MaxAge = w.letterBounds.MaxAge
	for name, floors := range w.handled {
		progress.Groups = append(progress.Groups, admin.GroupProgress{Name: name, Floors: slices.Clone(floors)})
	}
	slices.SortFunc(progress.Groups, func(a, b admin.GroupProgress) int { return len(a.Name) - len(b.Name) })
	return progress, nil
}

func extent[T any](w *world, name string, items []T, of func(T) (uint64, time.Time)) admin.Extent {
	e := admin.Extent{Created: w.created, First: w.last[name] + 1, Last: w.last[name], Messages: uint64(len(items))}
	if len(items) > 0 {
		e.First, e.FirstAt = of(items[0])
	}
	return e
}

func all[T any](w *world, name string, items *[]T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		if happens := w.meanwhile[name]; happens != nil {
			delete(w.meanwhile, name)
			happens()
		}
		for _, item := range slices.Clone(*items) {
			if !yield(item, nil) {
				return
			}
		}
	}
}

func (w *world) Notifications(context.Context, admin.Query) iter.Seq2[notification.Notification, error] {
	return all(w, stream.Notifications, &w.notifications)
}

func (w *world) Events(context.Context, admin.Query) iter.Seq2[notification.Event, error] {
	w.looks++
	return all(w, stream.Events, &w.events)
}

func (w *world) Retries(context.Context, admin.Query) iter.Seq2[notification.Retry, error] {
	return all(w, stream.Retries, &w.retries)
}

func (w *world) DeadLetters(context.Context, admin.Query) iter.Seq2[notification.DeadLetter, error] {
	return all(w, stream.DeadLetters, &w.letters)
}

func (w *world) Operations(context.Context, admin.Query) iter.Seq2[notification.Operation, error] {
	return all(w, stream.Operations, &w.operations)
}

func (w *world) Bots(context.Context) ([]admin.Bot, error) { return slices.Clone(w.bots), nil }

// follow makes a bot that has done with the events of an instance up to a sequence.
func (w *world) follow(name, instance string, sequence uint64, types ...string) {
	w.bots = append(w.bots, admin.Bot{
		BotState: position.BotState{Bot: name, Source: "green-api", Instance: instance, Types: types}, Position: position.Position{Sequence: sequence},
	})
}

// audit accounts for the world.
func (w *world) audit(t *testing.T, settings audit.Settings) *audit.Report {
	t.Helper()
	settings.Providers, settings.Pause = source.Providers(), time.Nanosecond
	report, err := audit.Run(t.Context(), w, settings)
	if err != nil {
		t.Fatal(err)
	}
	checkSums(t, report)
	return report
}

// checkSums checks that every balance adds up.
func checkSums(t *testing.T, report *audit.Report) {
	t.Helper()
	n := report.Notifications
	if sum := n.Events + n.Duplicates + n.DeadLetters + n.SentAgain + n.Dropped + n.Waiting + n.Trimmed + n.Erased + n.Unaccounted; sum != n.Stored {
		t.Errorf("the notifications' balance %+v adds up to %d", n, sum)
	}
	for _, g := range report.Groups {
		if sum := g.Handled + g.Waiting + g.Parked + g.Dead + g.Dropped; sum != g.Events {
			t.Errorf("the group's balance %+v adds up to %d", g, sum)
		}
	}
	if l := report.Ledger; l != nil {
		if sum := l.Events + l.Duplicates + l.DeadLetters + l.SentAgain + l.Dropped + l.Waiting + l.Trimmed + l.Erased + l.AgedOut + l.Missing; sum != l.Accepted {
			t.Errorf("the ledgers' balance %+v adds up to %d", *l, sum)
		}
	}
}

// found are the kinds and sequences of a report's items, in order.
func found(report *audit.Report) []string {
	items := []string{}
	for _, item := range report.Items {
		items = append(items, fmt.Sprintf("%s %s %d", item.What, item.Stream, item.Sequence))
	}
	slices.Sort(items)
	return items
}
