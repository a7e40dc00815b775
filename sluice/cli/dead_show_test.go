package cli_test

import (
	"strings"
	"testing"
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/streamtest"
)

func TestEverythingAboutADeadLetterIsShown(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	streams := server.Open(t)
	bury(t, streams)
	replacer := strings.NewReplacer(
		"DIED", shown(diedAt), "FAILED", shown(diedAt.Add(-time.Minute)), "SENT", shown(sentAt),
		"RECEIVED1", shown(receivedAt.Add(time.Second)), "RECEIVED2", shown(receivedAt.Add(2*time.Second)))
	run(t, "dead", "show", "1", "2", "--nats", server.URL()).want(t, result{stdout: replacer.Replace(`dead letter 1: invalid
  error             /from is missing; /status must be a string
  died              DIED
  source            green-api
  type              incomingCall
  order key         7@c.us
  key               key-of-0001
  received          RECEIVED1
  notification      101
  from              192.0.2.1
  request           request-1
  content type      application/json
faults
  /from is missing
  must be <one>
body, 7 bytes
  no JSON

dead letter 2: exhausted
  error             call CRM: 500
  died              DIED
  group             billing
  source            green-api
  type              incomingCall
  instance          1101000001
  order key         7@c.us
  key               key-of-0002
  received          RECEIVED2
  sent              SENT
  notification      102
  event             17
  round             dead/1
  from              192.0.2.1
  request           request-2
  content type      application/json
  header            X-Topic: calls
tries
  FAILED    9  call CRM: 500
body, 9 bytes
  {
    "id": 2
  }
`)})
}

func TestBodyOfADeadLetterDoesNoHarmToATerminal(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	streams := server.Open(t)
	for i, body := range []string{"\x1b[2J\r\nand more", "\xff\x00", "{\"a\": \"\u202e\"}"} {
		deadLetter := notification.DeadLetter{Event: sampleEvent(streams, i), Reason: notification.ReasonInvalid, DiedAt: diedAt}
		deadLetter.Body = []byte(body)
		if err := streams.PublishDeadLetter(testContext(t), &deadLetter); err != nil {
			t.Fatal(err)
		}
	}
	got := run(t, "dead", "show", "1", "2", "3", "--nats", server.URL())
	for _, want := range []string{
		"bytes\n  \uFFFD[2J\n  and more\n", "bytes\n  ff00\n", "  {\n    \"a\": \"\uFFFD\"\n  }\n",
	} {
		if !strings.Contains(got.stdout, want) {
			t.Errorf("no %q in\n%q", want, got.stdout)
		}
	}
}

func TestDeadLetterThatIsNotThereIsNamed(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	bury(t, server.Open(t))
	got := run(t, "dead", "show", "7", "1", "--nats", server.URL())
	got.fails(t, 1, "sluice: there is no dead letter 7; `sluice dead` lists those there are\n")
	if !strings.HasPrefix(got.stdout, "dead letter 1: invalid\n") {
		t.Errorf("the one behind it is not shown: %q", got.stdout)
	}
	for _, command := range []string{"retry", "drop"} {
		run(t, "dead", command, "7", "--nats", server.URL()).fails(t, 1, "there is no dead letter 7; `sluice dead` lists those there are", "1 of 1 dead letter not")
	}
}
