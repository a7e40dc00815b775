package senders_test

import (
	"fmt"
	"net/http"
	"testing"
)

func TestTimePadsOlderNotificationIsOutdated(t *testing.T) {
	t.Parallel()
	l := start(t, everybody)
	for i, at := range []string{"12:00:00", "12:00:10", "12:00:05", "12:00:20"} {
		body := fmt.Sprintf(`{"id":7,"tickets":[],"hook_guid":"g%d","hook_generated_at":"2026-03-01 %s"}`, i, at)
		if status, answer := l.sign("timepad", secret, "", http.Header{}, []byte(body)); status != http.StatusOK {
			t.Fatalf("answered %d %s", status, answer)
		}
		l.events(i + 1) // One after the other, as they come.
	}
	for i, event := range l.events(4) {
		if want := i == 2; event.Outdated != want || event.Object != "order/7" {
			t.Errorf("event %d is outdated: %t, about %q", i, event.Outdated, event.Object)
		}
	}
}

func TestDeadLetterKeepsWhatItTakesToUnderstandItLater(t *testing.T) {
	t.Parallel()
	l := start(t, everybody)
	if status, answer := l.sign("github", secret, "push", http.Header{}, []byte(`["not an object"]`)); status != http.StatusOK {
		t.Fatalf("answered %d %s", status, answer)
	}
	reading := http.Header{"X-Event": {"thing"}}
	if status, answer := l.sign("generic", secret, "", reading, []byte(`{"broken":`)); status != http.StatusOK {
		t.Fatalf("answered %d %s", status, answer)
	}
	if status, answer := l.sign("slack", secret, "", http.Header{}, []byte(`{"event_id":"E","event":{"type":"message"}}`)); status != http.StatusOK {
		t.Fatalf("answered %d %s", status, answer)
	}
	for len(l.letters()) < 2 {
		l.events(1)
	}
	for _, letter := range l.letters() {
		switch letter.Source {
		case "github":
			if letter.Header["X-Github-Event"] != "push" || letter.Header["X-Github-Delivery"] == "" {
				t.Errorf("GitHub's letter has the header %v", letter.Header)
			}
		case "generic":
			if letter.Header["X-Event"] != "thing" || letter.Mapping == "" || letter.Type != "thing" {
				t.Errorf("the generic letter is %+v", letter.Event)
			}
		default:
			t.Errorf("a dead letter of %s: %s", letter.Source, letter.Error)
		}
	}
}
