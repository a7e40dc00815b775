package cli_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream/admin"
)

func TestFoundNotificationHasItsStoryFromArrivalToHandling(t *testing.T) {
	t.Parallel()
	server, streams := spoken(t)
	where := "--nats=" + server.URL()
	again := notification.Notification{
		Origin: notification.Origin{
			Source: "green-api", Provider: "green-api", ReceivedAt: time.Now().UTC(), RemoteAddress: "192.0.2.7", RequestID: "request-again",
			Body: []byte(aCall(79000000001, "2")),
		},
		Instance: "1101000001",
	}
	if _, err := streams.PublishNotification(testContext(t), &again); err != nil {
		t.Fatal(err)
	}
	events := all(t, streams.Events(testContext(t), admin.Query{}))
	last := events[len(events)-1]

	found := run(t, "find", last.Key[:8], where)
	for _, want := range []string{
		"incomingCall, instance 1101000001, chat 79000000001@c.us, source green-api, key " + last.Key + "\n",
		fmt.Sprintf("arrived as notification %d from ", last.NotificationSequence),
		fmt.Sprintf("became event %d\n", last.Sequence), "arrived as notification 8 from 192.0.2.7, request request-again\n",
		fmt.Sprintf("notification 8 is the same as event %d and made none", last.Sequence), "group billing: handled\n",
		"Looked at all of NOTIFICATIONS, EVENTS, RETRIES, DEAD_LETTERS, REJECTIONS, OPERATIONS.\n",
	} {
		if found.code != 0 || !strings.Contains(found.stdout, want) {
			t.Errorf("no %q in %+v", want, found)
		}
	}
	chat := run(t, "find", "+7 900 000-00-00", "--json", where)
	var kinds []string
	for line := range strings.Lines(chat.stdout) {
		var document struct {
			Kind, Stream string
			Complete     bool
			Steps        []struct{ What, Group, Error string }
		}
		if err := json.Unmarshal([]byte(line), &document); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		kind := document.Kind
		for _, step := range document.Steps {
			kind += " " + step.What
		}
		if document.Kind == "looked" && !document.Complete {
			t.Errorf("not all of %s", document.Stream)
		}
		kinds = append(kinds, kind)
	}
	const handled = "story arrived became handled"
	want := []string{handled, handled, handled, "story arrived dead-letter", "looked", "looked", "looked", "looked", "looked", "looked"}
	if strings.Join(kinds, "\n") != strings.Join(want, "\n") {
		t.Errorf("%q, want %q", kinds, want)
	}
	if nothing := run(t, "find", "79999999999", where); nothing.code != 0 || !strings.HasPrefix(nothing.stdout, "Nothing found.\n") {
		t.Errorf("%+v", nothing)
	}
}

func TestWrongUsageOfFind(t *testing.T) {
	t.Parallel()
	run(t, "find").fails(t, 2, "say what to look for")
	run(t, "find", " ").fails(t, 2, "say what to look for")
	run(t, "find", "x", "--limit=0").fails(t, 2, "--limit must be 1 or more")
	run(t, "find", "x", "--time=1ms").fails(t, 2, "--time must be 1s or more")
}
