package audit_test

import (
	"slices"
	"testing"
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
	"sluice.internal/sluice/audit"
)

// record records what is gone from a stream, without taking it out.
func (w *world) record(what, name string, sequences ...uint64) {
	var set notification.Sequences
	for _, sequence := range sequences {
		set.Add(sequence)
	}
	w.operate(notification.Operation{What: what, Sequences: map[string]notification.Sequences{name: set}})
}

func TestWhatIsErasedIsCountedAndNotLost(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		happens func(*world)
		want    []audit.Gone
		found   []string
	}{
		"erased from both streams": {func(w *world) {
			w.record(notification.OperationErase, stream.Notifications, 2)
			w.record(notification.OperationErase, stream.Events, 2)
			w.notifications = slices.Delete(w.notifications, 1, 2)
			w.events = slices.Delete(w.events, 1, 2)
		}, []audit.Gone{{Stream: stream.Notifications, Erased: 1}, {Stream: stream.Events, Erased: 1}}, nil},
		"the oldest are erased": {func(w *world) {
			w.record(notification.OperationErase, stream.Notifications, 1, 2)
			w.record(notification.OperationErase, stream.Events, 1, 2)
			w.notifications, w.events = w.notifications[2:], w.events[2:]
		}, []audit.Gone{{Stream: stream.Notifications, Erased: 2}, {Stream: stream.Events, Erased: 2}}, nil},
		"the newest is erased": {func(w *world) {
			w.record(notification.OperationErase, stream.Notifications, 3)
			w.record(notification.OperationErase, stream.Events, 3)
			w.notifications, w.events = w.notifications[:2], w.events[:2]
		}, []audit.Gone{{Stream: stream.Notifications, Erased: 1}, {Stream: stream.Events, Erased: 1}}, nil},
		"recorded, and killed before it was removed": {func(w *world) {
			w.record(notification.OperationErase, stream.Notifications, 2, 3)
			w.record(notification.OperationErase, stream.Events, 2, 3)
			w.notifications = slices.Delete(w.notifications, 1, 2)
		}, []audit.Gone{{Stream: stream.Notifications, Erased: 1}}, nil},
		"more is gone than is recorded": {
			func(w *world) {
				w.send(11, "c", "4")
				w.send(11, "c", "5")
				w.record(notification.OperationErase, stream.Notifications, 3)
				w.record(notification.OperationErase, stream.Events, 3)
				w.notifications = slices.Delete(w.notifications, 1, 4)
				w.events = slices.Delete(w.events, 1, 4)
			},
			[]audit.Gone{{Stream: stream.Notifications, Erased: 1}, {Stream: stream.Events, Erased: 1}},
			[]string{"gap EVENTS 2", "gap EVENTS 4", "gap NOTIFICATIONS 2", "gap NOTIFICATIONS 4"},
		},
		"recorded of a stream that was there before": {func(w *world) {
			w.record(notification.OperationErase, stream.Events, 2)
			w.wait(time.Second)
			w.created = w.now
			w.events = slices.Delete(w.events, 1, 2)
		}, nil, []string{"gap EVENTS 2", "unaccounted NOTIFICATIONS 2"}},
		"aged out": {func(w *world) {
			w.record(notification.OperationAgeOut, stream.Events, 1, 2)
			w.wait(3 * window)
			w.trim(stream.Events, 2)
			w.trim(stream.Notifications, 2)
		}, []audit.Gone{{Stream: stream.Events, AgedOut: 2}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := started()
			test.happens(w)
			report := w.audit(t, audit.Settings{})
			if !slices.Equal(report.Gone, test.want) {
				t.Errorf("gone %+v, want %+v", report.Gone, test.want)
			}
			if got := found(report); !slices.Equal(got, test.found) && len(got)+len(test.found) > 0 {
				t.Errorf("found %q, want %q", got, test.found)
			}
		})
	}
}

// Who sends again what was erased makes no event, since the store still knows its key.
func TestRepetitionOfWhatIsErasedIsNotLost(t *testing.T) {
	t.Parallel()
	w := started()
	erased := w.events[1].Key
	w.record(notification.OperationErase, stream.Notifications, 2)
	w.record(notification.OperationErase, stream.Events, 2)
	w.operate(notification.Operation{What: notification.OperationErase, Keys: notification.NewKeySet([]string{erased})})
	w.notifications = slices.Delete(w.notifications, 1, 2)
	w.events = slices.Delete(w.events, 1, 2)
	w.settle(w.notify(call(11, "b", "2")))
	report := w.audit(t, audit.Settings{})
	want := audit.Balance{Stored: 3, Outcomes: audit.Outcomes{Events: 2, Erased: 1}}
	if report.Notifications != want || report.Wrong() != 0 {
		t.Errorf("balance %+v, want %+v; wrong %+v", report.Notifications, want, report.Items)
	}
	w.settle(w.notify(call(11, "b", "3"))) // It repeats nothing, and is lost.
	if got := found(w.audit(t, audit.Settings{})); !slices.Equal(got, []string{"unaccounted NOTIFICATIONS 5"}) {
		t.Errorf("found %q", got)
	}
}
