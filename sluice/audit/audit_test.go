package audit_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/admin"
	"sluice.internal/shared/stream/position"
	"sluice.internal/sluice/audit"
)

// started is a world with three events.
func started() *world {
	w := newWorld()
	w.send(11, "a", "1")
	w.send(11, "b", "2")
	w.send(222, "a", "3")
	return w
}

func TestEveryNotificationIsInItsClass(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		happens func(*world)
		want    audit.Balance
	}{
		"nothing is there": {func(w *world) { *w = *newWorld() }, audit.Balance{}},
		"all are events":   {func(*world) {}, audit.Balance{Stored: 3, Outcomes: audit.Outcomes{Events: 3}}},
		"sent twice": {func(w *world) {
			w.settle(w.notify(call(11, "b", "2")))
		}, audit.Balance{Stored: 4, Outcomes: audit.Outcomes{Events: 3, Duplicates: 1}}},
		"sent twice without id and time, once in the next window": {func(w *world) {
			w.wait(59 * time.Minute) // Windows are whole hours.
			body := `{"typeWebhook":"quotaExceeded","instanceData":{"idInstance":11}}`
			first := w.notify(body)
			event := w.accept(first)
			event.Key = event.KeyIn(first.ReceivedAt.Truncate(time.Hour))
			w.settle(w.notify(body))
			w.wait(10 * time.Minute)
			w.settle(w.notify(body))
		}, audit.Balance{Stored: 6, Outcomes: audit.Outcomes{Events: 4, Duplicates: 2}}},
		"invalid": {func(w *world) {
			w.refuse(w.notify("no JSON"))
		}, audit.Balance{Stored: 4, Outcomes: audit.Outcomes{Events: 3, DeadLetters: 1}}},
		"invalid, corrected and sent again": {func(w *world) {
			w.settle(w.notify("no JSON"))
			again := w.notify(call(11, "a", "4"))
			again.RetryOf = 4
			w.accept(again)
		}, audit.Balance{Stored: 5, Outcomes: audit.Outcomes{Events: 4, SentAgain: 1}}},
		"invalid and dropped": {func(w *world) {
			w.settle(w.notify("no JSON"))
			w.operate(notification.Operation{What: notification.OperationDropDeadLetter, NotificationSequence: 4})
		}, audit.Balance{Stored: 4, Outcomes: audit.Outcomes{Events: 3, Dropped: 1}}},
		"not taken in yet": {func(w *world) {
			w.notify(call(11, "a", "4"))
			w.notify("no JSON")
			w.notify(call(11, "b", "2"))
		}, audit.Balance{Stored: 6, Outcomes: audit.Outcomes{Events: 3, Waiting: 3}}},
		"taken in but not acknowledged": {func(w *world) {
			before := slices.Clone(w.floors)
			w.send(11, "a", "4")
			w.floors = before
		}, audit.Balance{Stored: 4, Outcomes: audit.Outcomes{Events: 4}}},
		"repeats an event that was trimmed": {func(w *world) {
			w.wait(window - time.Minute)
			w.settle(w.notify(call(11, "a", "1")))
			w.wait(time.Hour)
			w.send(11, "a", "4")
			w.trim(stream.Events, 3)
		}, audit.Balance{Stored: 5, Outcomes: audit.Outcomes{Events: 1, Trimmed: 4}}},
		"dead letters made way for others": {func(w *world) {
			w.settle(w.notify("no JSON"))
			w.next(stream.DeadLetters)
			w.refuse(w.notify("no JSON either"))
			w.letterBounds = admin.Extent{Bytes: 95, MaxBytes: 100}
		}, audit.Balance{Stored: 5, Outcomes: audit.Outcomes{Events: 3, DeadLetters: 1, Trimmed: 1}}},
		"events of notifications that were trimmed": {func(w *world) {
			w.trim(stream.Notifications, 2)
		}, audit.Balance{Stored: 1, Outcomes: audit.Outcomes{Events: 1}}},
		"a new stream of notifications after an old one": {func(w *world) {
			w.notifications, w.last[stream.Notifications] = nil, 0
			w.wait(time.Hour)
			w.created = w.now
			w.send(11, "b", "5")
		}, audit.Balance{Stored: 1, Outcomes: audit.Outcomes{Events: 1}}},
		"dead letters of events and notifications of streams that were there before": {func(w *world) {
			event, n := w.events[2], w.notifications[2]
			event.Sequence, n.Sequence = 1000, 1000
			w.bury(event)
			w.refuse(&n)
			w.floors[n.Shard] = 3
			w.wait(time.Second)
			w.created = w.now
		}, audit.Balance{Stored: 3, Outcomes: audit.Outcomes{Events: 3}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := started()
			test.happens(w)
			report := w.audit(t, audit.Settings{})
			if report.Notifications != test.want {
				t.Errorf("balance %+v, want %+v", report.Notifications, test.want)
			}
			if report.Wrong() != 0 {
				t.Errorf("reported as wrong: %+v", report.Items)
			}
		})
	}
}

func TestEveryFaultIsFound(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		happens func(*world)
		want    []string // found
		says    string
	}{
		"acknowledged without an event": {func(w *world) {
			w.settle(w.notify(call(11, "a", "4")))
		}, []string{"unaccounted NOTIFICATIONS 4"}, "the intake of shard 0 acknowledged it"},
		"invalid without a dead letter": {func(w *world) {
			w.settle(w.notify("no JSON"))
		}, []string{"unaccounted NOTIFICATIONS 4"}, "no dead letter"},
		"a dead letter of another notification with the same sequence": {func(w *world) {
			w.refuse(w.notify("no JSON"))
			w.notifications[3].ReceivedAt = w.now.Add(time.Second)
		}, []string{"unaccounted NOTIFICATIONS 4"}, ""},
		"the newest event is gone": {func(w *world) {
			w.events = w.events[:2]
		}, []string{"gap EVENTS 3", "unaccounted NOTIFICATIONS 3"}, ""},
		"events in the middle are gone": {func(w *world) {
			w.send(11, "c", "4")
			w.events = slices.Delete(w.events, 1, 3)
		}, []string{"gap EVENTS 2", "unaccounted NOTIFICATIONS 2", "unaccounted NOTIFICATIONS 3"}, "events 2 to 3 are gone"},
		"the oldest event is gone, and too young to have been trimmed": {func(w *world) {
			w.events = w.events[1:]
		}, []string{"unaccounted NOTIFICATIONS 1"}, ""},
		"all events are gone": {func(w *world) {
			w.events = nil
		}, []string{"unaccounted NOTIFICATIONS 1", "unaccounted NOTIFICATIONS 2", "unaccounted NOTIFICATIONS 3"}, ""},
		"lost in a stream from which others were trimmed": {func(w *world) {
			w.wait(3 * window)
			w.send(11, "a", "4")
			w.wait(time.Minute)
			w.trim(stream.Events, 3)
			w.trim(stream.Notifications, 3)
			// What the sender's time says can't repeat anything that was trimmed.
			w.settle(w.notify(strings.Replace(call(11, "a", "5"), `"timestamp":`, `"timestamp":9`, 1)))
		}, []string{"unaccounted NOTIFICATIONS 5"}, ""},
		"an event with the key comes too long before to be the original": {func(w *world) {
			w.wait(window + time.Minute)
			w.settle(w.notify(call(11, "a", "1")))
		}, []string{"unaccounted NOTIFICATIONS 4"}, ""},
		"the oldest event of a young stream is gone, and nothing says when it was sent": {func(w *world) {
			*w = *newWorld()
			w.accept(w.notify(timelessCall(11, "a", "1")))
			w.send(11, "a", "2")
			w.events = w.events[1:]
		}, []string{"unaccounted NOTIFICATIONS 1"}, ""},
		"lost long ago where nothing was trimmed since": {func(w *world) {
			w.settle(w.notify(timelessCall(11, "a", "4")))
			w.wait(3 * window)
		}, []string{"unaccounted NOTIFICATIONS 4"}, ""},
		"lost where events are kept for longer than what it can repeat": {func(w *world) {
			w.wait(window)
			w.send(11, "a", "4")
			w.trim(stream.Events, 3)
			w.trim(stream.Notifications, 3)
			w.wait(window + time.Minute)
			w.settle(w.notify(timelessCall(11, "a", "5")))
			w.wait(2 * window)
		}, []string{"unaccounted NOTIFICATIONS 5"}, ""},
		"an event with the key comes too long after to be the original": {func(w *world) {
			w.settle(w.notify(call(11, "a", "4")))
			w.wait(window + time.Minute)
			w.send(11, "a", "4")
		}, []string{"unaccounted NOTIFICATIONS 4"}, ""},
		"invalid without a dead letter, and these are many": {func(w *world) {
			w.settle(w.notify("no JSON"))
			w.refuse(w.notify("no JSON either"))
			w.letterBounds = admin.Extent{Bytes: 95, MaxBytes: 100}
		}, []string{"unaccounted NOTIFICATIONS 4"}, ""},
		"one with the same sequence was dropped in a stream that was there before": {func(w *world) {
			w.operate(notification.Operation{What: notification.OperationDropDeadLetter, NotificationSequence: 4})
			w.wait(time.Second)
			w.created = w.now
			w.settle(w.notify("no JSON"))
		}, []string{"unaccounted NOTIFICATIONS 4"}, ""},
		"a notification is gone": {func(w *world) {
			w.notifications = slices.Delete(w.notifications, 1, 2)
		}, []string{"gap NOTIFICATIONS 2"}, "notification 2 is gone"},
		"two events with one key": {func(w *world) {
			w.wait(window - time.Minute)
			w.send(11, "b", "2")
		}, []string{"doubled EVENTS 4"}, "it has the key of event 2"},
		"two events of one notification": {func(w *world) {
			w.accept(&w.notifications[2]).Key = "other"
		}, []string{"doubled EVENTS 4"}, "so was event 3"},
		"an event with another body": {func(w *world) {
			w.events[1].Body = []byte("{}")
		}, []string{"other-body NOTIFICATIONS 2"}, "event 2 has another body"},
		"a chat out of order": {func(w *world) {
			first, second, third := w.notify(call(11, "a", "4")), w.notify(call(11, "a", "5")), w.notify(call(11, "a", "6"))
			w.accept(second)
			w.accept(first)
			w.accept(third)
		}, []string{"out-of-order EVENTS 5"}, "came behind event 4 of the same chat"},
		"a dead letter of an event that never was": {func(w *world) {
			event := w.events[2]
			event.Sequence = 1000
			w.bury(event)
		}, []string{"unknown-event DEAD_LETTERS 1"}, "event 1000, which it names, never was"},
		"a dead letter of another event than it says": {func(w *world) {
			event := w.events[2]
			event.Sequence = 1
			w.bury(event)
		}, []string{"unknown-event DEAD_LETTERS 1"}, "event 1, which it names, has another key"},
		"a dead letter of no event": {func(w *world) {
			event := w.events[2]
			event.Sequence = 0
			w.bury(event)
		}, []string{"unknown-event DEAD_LETTERS 1"}, "it names no event"},
		"a dead letter of a notification that never was": {func(w *world) {
			n := w.notifications[0]
			n.Sequence = 1000
			w.refuse(&n)
			w.floors[n.Shard] = 3
		}, []string{"unknown-event DEAD_LETTERS 1"}, "notification 1000, which it names, never was"},
		"a retry of an event that never was": {func(w *world) {
			event := w.events[2]
			event.Sequence = 1000
			w.park("default", event)
		}, []string{"unknown-event RETRIES 1"}, "event 1000, which it names, never was"},
		"a bot ahead of all events": {func(w *world) {
			w.follow("crm", "1101000001", 4)
			w.follow("crm", "1101000002", 3)
		}, []string{"ahead EVENTS 4"}, "the bot is behind event 4, and the newest is 3"},
		"a retry for a group that is gone": {func(w *world) {
			w.park("billing", w.events[0])
		}, []string{"gone-group RETRIES 1"}, `it waits for group "billing"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := started()
			test.happens(w)
			report := w.audit(t, audit.Settings{})
			if got := found(report); !slices.Equal(got, test.want) {
				t.Errorf("found %q, want %q", got, test.want)
			}
			if report.Wrong() != uint64(len(test.want)) {
				t.Errorf("%d things are wrong, want %d", report.Wrong(), len(test.want))
			}
			if !slices.ContainsFunc(report.Items, func(item audit.Item) bool { return strings.Contains(item.Detail, test.says) }) {
				t.Errorf("nothing says %q in %+v", test.says, report.Items)
			}
		})
	}
}

func TestChatsAndShardsHaveNoOrderBetweenThem(t *testing.T) {
	t.Parallel()
	w := started()
	first, second := w.notify(call(11, "a", "4")), w.notify(call(222, "a", "5"))
	w.accept(second)
	w.accept(first)
	// The gateway found another instance in the body than the intake.
	third, fourth := w.notify(call(11, "z", "6")), w.notify(call(11, "z", "7"))
	fourth.Shard = 1
	w.accept(fourth)
	w.accept(third)
	if report := w.audit(t, audit.Settings{}); report.Wrong() != 0 {
		t.Errorf("reported as wrong: %+v", report.Items)
	}
}

func TestSameKeyAfterTheWindowIsAnotherEvent(t *testing.T) {
	t.Parallel()
	w := started()
	w.wait(window)
	w.send(11, "b", "2")
	if report := w.audit(t, audit.Settings{}); report.Wrong() != 0 || report.Notifications.Events != 4 {
		t.Errorf("report %+v", report)
	}
}

func TestItemsSayWhatTheyAreAbout(t *testing.T) {
	t.Parallel()
	w := started()
	lost := w.notify(call(11, "a", "4"))
	w.settle(lost)
	got := w.audit(t, audit.Settings{}).Items[0]
	if got.Source != "green-api" || got.Type != "incomingCall" || got.Instance != "11" || len(got.Key) != 32 {
		t.Errorf("item %+v", got)
	}
}

func TestDuplicatesAreNamedOnRequestAndAreNotWrong(t *testing.T) {
	t.Parallel()
	w := started()
	w.settle(w.notify(call(11, "b", "2")))
	report := w.audit(t, audit.Settings{Duplicates: true})
	if len(report.Items) != 1 || report.Wrong() != 0 {
		t.Fatalf("%d wrong, items %+v", report.Wrong(), report.Items)
	}
	want := audit.Item{
		What: audit.ItemDuplicate, Stream: stream.Notifications, Sequence: 4, Key: w.events[1].Key,
		Source: "green-api", Type: "incomingCall", Instance: "11",
		Detail: "it is the same as notification 2, which is event 2",
	}
	if report.Items[0] != want {
		t.Errorf("item %+v, want %+v", report.Items[0], want)
	}
}

func TestLimitLeavesItemsOutAndCountsThem(t *testing.T) {
	t.Parallel()
	w := started()
	w.events = nil
	report := w.audit(t, audit.Settings{Limit: 2})
	if len(report.Items) != 2 || report.Counts[audit.ItemUnaccounted] != 3 || report.Notifications.Unaccounted != 3 {
		t.Errorf("report %+v", report)
	}
}

func TestGroupsAreAccountedFor(t *testing.T) {
	t.Parallel()
	w := started()
	w.handled["billing"] = make([]uint64, lanes)
	for _, id := range []string{"4", "5", "6", "7"} {
		w.send(11, "a", id)
	}
	w.handled["default"][1] = 6 // Chats "a" and "b" are in lane 1.
	w.handled["billing"][1] = 0 // It has just been made.
	w.park("default", w.events[0])
	w.park("default", w.events[0]) // Once parked and once handed over again.
	w.bury(w.events[1])
	w.bury(w.events[0]) // It was handed over again from there.
	w.bury(w.events[6]) // Buried, and the worker died before it could say so.
	w.operate(notification.Operation{What: notification.OperationDropDeadLetter, Group: "default", EventSequence: 3})
	report := w.audit(t, audit.Settings{})
	want := []audit.GroupBalance{
		{Name: "default", Events: 7, Handled: 3, Waiting: 1, Parked: 1, Dead: 1, Dropped: 1},
		{Name: "billing", Events: 7, Waiting: 7},
	}
	if !slices.Equal(report.Groups, want) && !slices.Equal(report.Groups, []audit.GroupBalance{want[1], want[0]}) {
		t.Errorf("groups %+v, want %+v", report.Groups, want)
	}
	if report.Wrong() != 0 {
		t.Errorf("reported as wrong: %+v", report.Items)
	}
}

func TestWhatMovesWhileItIsReadIsNeverWrong(t *testing.T) {
	t.Parallel()
	for name, happens := range map[string]func(*world){
		"a waiting one becomes an event before the notifications are read": func(w *world) {
			waiting := w.notify(call(11, "a", "4"))
			w.meanwhile[stream.Notifications] = func() { w.accept(waiting) }
		},
		"more come in and are handled": func(w *world) {
			for _, name := range []string{stream.Events, stream.Retries, stream.DeadLetters, stream.Notifications} {
				w.meanwhile[name] = func() { w.send(11, "a", name) }
			}
		},
		"a parked one becomes a dead letter": func(w *world) {
			w.park("default", w.events[0])
			w.meanwhile[stream.DeadLetters] = func() {
				w.bury(w.retries[0].Event)
				w.retries = nil
			}
		},
		"a newer event dies": func(w *world) {
			w.meanwhile[stream.DeadLetters] = func() { w.bury(*w.send(11, "a", "4")) }
		},
		"an invalid one is sent again before the dead letters are read": func(w *world) {
			w.refuse(w.notify("no JSON"))
			w.meanwhile[stream.DeadLetters] = func() {
				again := w.notify(call(11, "a", "4"))
				again.RetryOf = 4
				w.letters = nil
			}
		},
		"an invalid one is dropped before the dead letters are read": func(w *world) {
			w.refuse(w.notify("no JSON"))
			w.meanwhile[stream.DeadLetters] = func() {
				w.operate(notification.Operation{What: notification.OperationDropDeadLetter, NotificationSequence: 4})
				w.letters = nil
			}
		},
		"a group is made": func(w *world) {
			w.meanwhile[stream.Retries] = func() {
				w.handled["new"] = make([]uint64, lanes)
				w.park("new", w.events[0])
			}
		},
		"events are trimmed before they are read": func(w *world) {
			w.wait(window + time.Hour)
			w.meanwhile[stream.Events] = func() { w.trim(stream.Events, 2) }
		},
		"notifications are trimmed before they are read": func(w *world) {
			w.meanwhile[stream.Notifications] = func() { w.trim(stream.Notifications, 2) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := started()
			happens(w)
			if report := w.audit(t, audit.Settings{}); report.Wrong() != 0 {
				t.Errorf("reported as wrong: %+v", report.Items)
			}
			if len(w.meanwhile) > 0 || w.looks != 1 {
				t.Errorf("%d looks, %d things did not happen", w.looks, len(w.meanwhile))
			}
		})
	}
}

func TestOnlyWhatWasThereAtTheBeginningIsAccountedFor(t *testing.T) {
	t.Parallel()
	w := started()
	for _, name := range []string{stream.Events, stream.DeadLetters, stream.Notifications} {
		w.meanwhile[name] = func() { w.send(11, "a", name) }
	}
	report := w.audit(t, audit.Settings{})
	if want := (audit.Balance{Stored: 3, Outcomes: audit.Outcomes{Events: 3}}); report.Notifications != want || report.Groups[0].Events != 3 {
		t.Errorf("report %+v", report)
	}
}

func TestWhatIsWrongIsLookedAtAgain(t *testing.T) {
	t.Parallel()
	w := started()
	late := w.notify(call(11, "a", "4"))
	w.settle(late) // As if the floor that was read were ahead of the events that were.
	w.meanwhile[stream.Notifications] = func() { w.accept(late) }
	if report := w.audit(t, audit.Settings{}); report.Wrong() != 0 || w.looks != 2 {
		t.Errorf("%d looks, reported as wrong: %+v", w.looks, report.Items)
	}
}

func TestBotsHaveABalanceInTheEventsThatAreForThem(t *testing.T) {
	t.Parallel()
	w := newWorld()
	for number := range 4 {
		w.send(1, "a@c.us", strconv.Itoa(number))
		w.send(2, "a@c.us", strconv.Itoa(number))
	}
	w.follow("crm", "1", 5)
	w.follow("crm", "2", 0)
	w.follow("calls", "2", 8, "incomingCall")
	w.follow("messages", "2", 0, "incomingMessageReceived")
	w.bots = append(w.bots, admin.Bot{BotState: position.BotState{Bot: "silent", Instance: "2"}})
	report := w.audit(t, audit.Settings{})
	want := []audit.BotBalance{
		{Bot: "crm", Instance: "1", Events: 4, Done: 3, Waiting: 1},
		{Bot: "crm", Instance: "2", Events: 4, Waiting: 4},
		{Bot: "calls", Instance: "2", Events: 4, Done: 4},
		{Bot: "messages", Instance: "2"},
	}
	if !slices.Equal(report.Bots, want) || report.Wrong() != 0 {
		t.Errorf("got %+v, want %+v, wrong %+v", report.Bots, want, report.Items)
	}
}
