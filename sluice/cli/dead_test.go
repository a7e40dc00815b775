package cli_test

import (
	"strings"
	"testing"
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/streamtest"
)

var diedAt = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)

// bury makes an invalid notification and an event that a group gave up.
func bury(t *testing.T, streams *streamtest.Streams) {
	t.Helper()
	invalid := notification.DeadLetter{
		Event: sampleEvent(streams, 1), Reason: notification.ReasonInvalid, Error: "/from is missing; /status must be a string",
		DiedAt: diedAt,
	}
	invalid.Faults = []notification.Fault{{Pointer: "/from", Message: "is missing"}, {Message: "must be <one>"}}
	invalid.Body, invalid.SentAt, invalid.Instance = []byte("no JSON"), time.Time{}, ""
	exhausted := notification.DeadLetter{
		Event: sampleEvent(streams, 2), Reason: notification.ReasonExhausted, Error: "call CRM: 500", Group: "billing", DiedAt: diedAt,
	}
	exhausted.Sequence, exhausted.Attempt, exhausted.Round = 17, 9, "dead/1"
	exhausted.History = []notification.Try{{At: diedAt.Add(-time.Minute), Attempt: 9, Error: exhausted.Error}}
	exhausted.Header = map[string]string{"X-Topic": "calls"}
	for _, deadLetter := range []notification.DeadLetter{invalid, exhausted} {
		if err := streams.PublishDeadLetter(testContext(t), &deadLetter); err != nil {
			t.Fatal(err)
		}
	}
}

func TestDeadLettersAreListedWithWhatIsWrong(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	bury(t, server.Open(t))
	run(t, "dead", "--nats", server.URL()).want(t, result{stdout: strings.ReplaceAll(""+
		"DIED                 SEQUENCE  SOURCE     TYPE          INSTANCE    REASON     GROUP    TRIES  ERROR\n"+
		"TIME         1  green-api  incomingCall  -           invalid    -            0  /from is missing; /status must be a string\n"+
		"TIME         2  green-api  incomingCall  1101000001  exhausted  billing      9  call CRM: 500\n", "TIME", shown(diedAt))})
	const invalid = `{"sequence":1,"key":"key-of-0001","source":"green-api","type":"incomingCall","order_key":"7@c.us",` +
		`"received_at":"2026-11-23T07:00:01.123456789Z","notification_sequence":101,` +
		`"remote_address":"192.0.2.1","request_id":"request-1","content_type":"application/json",` +
		`"reason":"invalid","error":"/from is missing; /status must be a string",` +
		`"faults":[{"pointer":"/from","message":"is missing"},{"pointer":"","message":"must be <one>"}],` +
		`"died_at":"2026-11-23T08:00:00Z","body_base64":"bm8gSlNPTg=="}` + "\n"
	const exhausted = `{"sequence":2,"key":"key-of-0002","source":"green-api","type":"incomingCall","instance":"1101000001","order_key":"7@c.us",` +
		`"received_at":"2026-11-23T07:00:02.123456789Z","sent_at":"2026-11-23T06:59:58Z","notification_sequence":102,` +
		`"remote_address":"192.0.2.1","request_id":"request-2","content_type":"application/json",` +
		`"group":"billing","reason":"exhausted","error":"call CRM: 500","attempt":9,` +
		`"history":[{"at":"2026-11-23T07:59:00Z","attempt":9,"error":"call CRM: 500"}],"round":"dead/1","event_sequence":17,` +
		`"died_at":"2026-11-23T08:00:00Z","headers":{"X-Topic":"calls"},"body":{"id":2}}` + "\n"
	for flags, want := range map[string]result{
		"":                                     {stdout: invalid + exhausted},
		"--reason=invalid":                     {stdout: invalid},
		"--limit=1":                            {stdout: exhausted},
		"--group=billing":                      {stdout: exhausted},
		"--error=CRM":                          {stdout: exhausted},
		"--limit=1 --error=missing":            {stdout: invalid},
		"--until=-1h":                          {stdout: invalid + exhausted},
		"--until=1h":                           {stderr: "No dead letters.\n"},
		"--group=other":                        {stderr: "No dead letters.\n"},
		"--instance=1101000001 --since=1h":     {stdout: exhausted},
		"--source=green-api --type=deviceInfo": {stderr: "No dead letters.\n"},
	} {
		run(t, append([]string{"dead", "--json", "--nats", server.URL()}, strings.Fields(flags)...)...).want(t, want)
	}
	run(t, "dead", "ls", "--json", "--nats", server.URL()).want(t, result{stdout: invalid + exhausted})
	run(t, "dead", "show", "1", "2", "--json", "--nats", server.URL()).want(t, result{stdout: invalid + exhausted})
}

func TestFollowingShowsDeadLettersAndRejectionsAsTheyCome(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	streams := server.Open(t)
	dead, stopDead := following(t, "dead", "-f", "--json", "--reason=exhausted", "--nats", server.URL())
	refused, stopRefused := following(t, "rejections", "-f", "--json", "--nats", server.URL())
	bury(t, streams)
	if err := streams.PublishRejection(testContext(t), &notification.Rejection{Cause: "wrong-token"}); err != nil {
		t.Fatal(err)
	}
	if line := nextLine(t, dead); !strings.Contains(line, `"reason":"exhausted"`) {
		t.Errorf("line %q", line)
	}
	if line := nextLine(t, refused); line != `{"sequence":1,"cause":"wrong-token"}` {
		t.Errorf("line %q", line)
	}
	stopDead().want(t, result{})
	stopRefused().want(t, result{})
}
