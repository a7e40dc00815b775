package audit_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"iter"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/source"
	"sluice.internal/shared/stream"
	"sluice.internal/sluice/audit"
	"sluice.internal/sluice/ledger"
)

// sender is a simulator of instance 11 with its ledger.
type sender struct {
	*world

	ledger []ledger.Entry
	number int
}

// attempt writes a line of the ledger.
func (s *sender) attempt(number int, body string, status int, receipt uint64) {
	sum := sha256.Sum256([]byte(body))
	entry := ledger.Entry{
		At: s.now, Source: "green-api", Instance: "11", Number: number, Type: "incomingCall", Attempt: 1, Status: status,
		BodySHA256: hex.EncodeToString(sum[:]),
	}
	if receipt > 0 {
		entry.Receipt = strconv.FormatUint(receipt, 10)
	}
	s.ledger = append(s.ledger, entry)
}

// post sends a call that is accepted and returns its notification.
func (s *sender) post(chat string) *notification.Notification {
	s.number++
	body := call(11, chat, strconv.Itoa(s.number))
	n := s.notify(body)
	s.attempt(s.number, body, 200, n.Sequence)
	return n
}

func (s *sender) audit(t *testing.T) *audit.Report {
	t.Helper()
	return s.world.audit(t, audit.Settings{Ledgers: []iter.Seq2[ledger.Entry, error]{entries(s.ledger, nil)}})
}

func entries(all []ledger.Entry, end error) iter.Seq2[ledger.Entry, error] {
	return func(yield func(ledger.Entry, error) bool) {
		for _, entry := range all {
			if !yield(entry, nil) {
				return
			}
		}
		if end != nil {
			yield(ledger.Entry{}, end)
		}
	}
}

func TestWhatALedgerHasIsAccountedFor(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		happens func(*sender)
		want    audit.LedgerBalance
		wrong   []string // found
	}{
		"all became events": {
			func(*sender) {}, audit.LedgerBalance{Accepted: 2, Outcomes: audit.Outcomes{Events: 2}}, nil,
		},
		"one waits": {
			func(s *sender) { s.post("a") }, audit.LedgerBalance{Accepted: 3, Outcomes: audit.Outcomes{Events: 2, Waiting: 1}}, nil,
		},
		"one is invalid": {
			func(s *sender) {
				s.refuse(s.notify("no JSON"))
				s.attempt(3, "no JSON", 200, 3)
			}, audit.LedgerBalance{Accepted: 3, Outcomes: audit.Outcomes{Events: 2, DeadLetters: 1}}, nil,
		},
		"one was invalid and dropped, and the notification is trimmed": {
			func(s *sender) {
				s.settle(s.notify("no JSON"))
				s.attempt(3, "no JSON", 200, 3)
				s.operate(notification.Operation{What: notification.OperationDropDeadLetter, NotificationSequence: 3})
				s.trim(stream.Notifications, 3)
			}, audit.LedgerBalance{Accepted: 3, Outcomes: audit.Outcomes{Events: 2, Dropped: 1}}, nil,
		},
		"one was erased, one went unprocessed at its greatest age": {
			func(s *sender) {
				s.post("a")
				s.post("b")
				s.notifications = s.notifications[:2]
				s.record(notification.OperationErase, stream.Notifications, 3)
				s.record(notification.OperationAgeOut, stream.Notifications, 4)
			}, audit.LedgerBalance{Accepted: 4, Outcomes: audit.Outcomes{Events: 2, Erased: 1, AgedOut: 1}}, nil,
		},
		"one was sent again after a lost answer": {
			func(s *sender) {
				body := call(11, "a", "3")
				s.attempt(3, body, 0, 0)
				s.accept(s.notify(body))
				again := s.notify(body)
				s.attempt(3, body, 200, again.Sequence)
				s.settle(again)
			}, audit.LedgerBalance{Accepted: 3, Outcomes: audit.Outcomes{Events: 3}}, nil,
		},
		"one was sent again although it was answered, late": {
			func(s *sender) {
				s.accept(s.post("a"))
				body := call(11, "a", "1")
				again := s.notify(body)
				s.attempt(1, body, 200, again.Sequence)
				s.settle(again)
			}, audit.LedgerBalance{Accepted: 3, Outcomes: audit.Outcomes{Events: 3}}, nil,
		},
		"two with one body are one event, wherever the others are": {
			func(s *sender) {
				body, other := call(11, "a", "3"), call(11, "a", "4")
				first, between, second := s.notify(body), s.notify(other), s.notify(body)
				s.attempt(3, body, 200, first.Sequence)
				s.attempt(4, other, 200, between.Sequence)
				s.attempt(5, body, 200, second.Sequence)
				s.accept(first)
				s.accept(between)
				s.settle(second)
			}, audit.LedgerBalance{Accepted: 4, Outcomes: audit.Outcomes{Events: 4}}, nil,
		},
		"two with one body are two events when they are far enough apart": {
			func(s *sender) {
				body := call(11, "a", "3")
				first := s.notify(body)
				s.attempt(3, body, 200, first.Sequence)
				s.accept(first)
				s.wait(window)
				second := s.notify(body)
				s.attempt(4, body, 200, second.Sequence)
				s.accept(second)
			}, audit.LedgerBalance{Accepted: 3, Outcomes: audit.Outcomes{Events: 3}}, nil,
		},
		"one was given up and stored all the same, late": {
			func(s *sender) {
				body := call(11, "a", "3")
				s.attempt(3, body, 0, 0)
				s.number = 3
				s.accept(s.post("a"))
				s.accept(s.notify(body))
			}, audit.LedgerBalance{Accepted: 3, Outcomes: audit.Outcomes{Events: 3}, UnknownStored: 1}, nil,
		},
		"another source sent the same": {
			func(s *sender) {
				n := s.notify(call(11, "a", "1"))
				n.Source = "other"
				s.accept(n)
			}, audit.LedgerBalance{Accepted: 2, Outcomes: audit.Outcomes{Events: 2}, NotSent: 1}, nil,
		},
		"one is the same as another with another body": {
			func(s *sender) {
				body := strings.Replace(call(11, "a", "1"), "{", "{ ", 1)
				n := s.notify(body)
				s.attempt(3, body, 200, n.Sequence)
				s.settle(n)
			}, audit.LedgerBalance{Accepted: 3, Outcomes: audit.Outcomes{Events: 2, Duplicates: 1}}, nil,
		},
		"one never got an answer and was stored, one was not": {
			func(s *sender) {
				body := call(11, "a", "3")
				s.attempt(3, body, 0, 0)
				s.accept(s.notify(body))
				s.attempt(4, call(11, "a", "4"), 503, 0)
			}, audit.LedgerBalance{Accepted: 2, Outcomes: audit.Outcomes{Events: 2}, UnknownStored: 1, UnknownNotStored: 1}, nil,
		},
		"others send too": {
			func(s *sender) { s.send(11, "x", "y") }, audit.LedgerBalance{Accepted: 2, Outcomes: audit.Outcomes{Events: 2}, NotSent: 1}, nil,
		},
		"one is so old that its event is trimmed": {
			func(s *sender) {
				s.trim(stream.Notifications, 2)
				s.wait(window + time.Hour)
				s.send(11, "x", "y")
				s.trim(stream.Events, 2)
			}, audit.LedgerBalance{Accepted: 2, Outcomes: audit.Outcomes{Trimmed: 2}, NotSent: 1}, nil,
		},
		"an invalid one was sent again": {
			func(s *sender) {
				s.settle(s.notify("no JSON"))
				s.attempt(3, "no JSON", 200, 3)
				again := s.notify("no JSON")
				again.RetryOf = 3
			}, audit.LedgerBalance{Accepted: 3, Outcomes: audit.Outcomes{Events: 2, Waiting: 1}}, nil,
		},
		"one is nowhere": {
			func(s *sender) { s.attempt(3, call(11, "a", "3"), 200, 3) },
			audit.LedgerBalance{Accepted: 3, Outcomes: audit.Outcomes{Events: 2}, Missing: 1},
			[]string{"missing  0"},
		},
		"one was lost by the intake": {
			func(s *sender) { s.settle(s.post("a")) },
			audit.LedgerBalance{Accepted: 3, Outcomes: audit.Outcomes{Events: 2}, Missing: 1},
			[]string{"missing  0", "unaccounted NOTIFICATIONS 3"},
		},
		"one is two events with different keys": {
			func(s *sender) { s.accept(s.post("a")); s.accept(s.notify(call(11, "a", "3"))).Key = "other" },
			audit.LedgerBalance{Accepted: 3, Outcomes: audit.Outcomes{Events: 3}},
			[]string{"doubled  0"},
		},
		"one without an answer is two events": {
			func(s *sender) {
				body := call(11, "a", "3")
				s.attempt(3, body, 0, 0)
				s.accept(s.notify(body))
				s.accept(s.notify(body)).Key = "other"
			}, audit.LedgerBalance{Accepted: 2, Outcomes: audit.Outcomes{Events: 2}, UnknownStored: 1}, []string{"doubled  0"},
		},
		"two of an instance were accepted the wrong way round": {
			func(s *sender) {
				late, early := call(11, "c", "4"), call(11, "b", "3")
				first, second := s.notify(late), s.notify(early)
				s.attempt(3, early, 200, second.Sequence)
				s.attempt(4, late, 200, first.Sequence)
				s.accept(first)
				s.accept(second)
			}, audit.LedgerBalance{Accepted: 4, Outcomes: audit.Outcomes{Events: 4}}, []string{"out-of-order NOTIFICATIONS 4"},
		},
		"two of a chat became events the wrong way round": {
			func(s *sender) {
				first, second := s.post("a"), s.post("a")
				s.accept(second)
				s.accept(first)
				s.trim(stream.Notifications, 4)
			}, audit.LedgerBalance{Accepted: 4, Outcomes: audit.Outcomes{Events: 4}}, []string{"out-of-order EVENTS 4", "out-of-order EVENTS 4"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &sender{world: newWorld()}
			s.accept(s.post("a"))
			s.accept(s.post("b"))
			test.happens(s)
			report := s.audit(t)
			if *report.Ledger != test.want {
				t.Errorf("balance %+v, want %+v", *report.Ledger, test.want)
			}
			if got := found(report); !slices.Equal(got, test.wrong) {
				t.Errorf("found %q, want %q in %+v", got, test.wrong, report.Items)
			}
		})
	}
}

func TestMissingItemLeadsToItsLine(t *testing.T) {
	t.Parallel()
	s := &sender{world: newWorld()}
	s.attempt(7, call(11, "a", "7"), 200, 19)
	got := s.audit(t).Items
	if len(got) != 1 || got[0].Instance != "11" || got[0].Type != "incomingCall" ||
		!strings.HasPrefix(got[0].Detail, "number 7 of its instance in the ledger: it was answered 200 with receipt 19") {
		t.Errorf("items %+v", got)
	}
}

func TestLedgersOfTwoSimulatorsHaveNoOrderBetweenThem(t *testing.T) {
	t.Parallel()
	first, second := &sender{world: newWorld()}, &sender{number: 0}
	second.world = first.world
	first.number = 5
	first.accept(first.post("a"))
	second.accept(second.post("a"))
	report := first.world.audit(t, audit.Settings{Ledgers: []iter.Seq2[ledger.Entry, error]{
		entries(first.ledger, nil), entries(second.ledger, nil),
	}})
	if report.Wrong() != 0 || report.Ledger.Events != 2 {
		t.Errorf("%+v, items %+v", report.Ledger, report.Items)
	}
}

func TestLedgerThatCanNotBeReadIsAnError(t *testing.T) {
	t.Parallel()
	broken := errors.New("line 3 is no entry")
	for want, sent := range map[string]iter.Seq2[ledger.Entry, error]{
		"line 3 is no entry":                      entries(nil, broken),
		`number 1 of instance "11" is no SHA-256`: entries([]ledger.Entry{{Instance: "11", Number: 1, BodySHA256: "abc"}}, nil),
	} {
		_, err := audit.Run(t.Context(), newWorld(), audit.Settings{
			Providers: source.Providers(), Ledgers: []iter.Seq2[ledger.Entry, error]{sent},
		})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q in it", err, want)
		}
	}
}
