package cli_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/service"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/admin"
	"sluice.internal/shared/streamtest"
	"sluice.internal/sluice/cli"
)

// spoken is a world in which a worker has handled calls of two chats, the last three of each.
func spoken(t *testing.T) (*streamtest.Server, *streamtest.Streams) {
	t.Helper()
	server := streamtest.Start(t)
	streams := server.Open(t)
	var handled atomic.Int64
	stop := working(t, server, func(notification.Event) error {
		handled.Add(1)
		return nil
	})
	for i := range 3 {
		for chat := range 2 {
			deliver(t, streams, aCall(79000000000+chat, fmt.Sprint(i)))
		}
	}
	deliver(t, streams, `{"typeWebhook":"incomingCall","from":"79000000000@c.us"`) // Invalid.
	eventually(t, "all are handled", func() bool { return handled.Load() == 6 && len(deadLettersIn(t, streams)) == 1 })
	stop()
	return server, streams
}

// deliver stores a notification of GREEN-API.
func deliver(t *testing.T, streams *streamtest.Streams, body string) {
	t.Helper()
	n := notification.Notification{
		Origin: notification.Origin{
			Source: "green-api", Provider: "green-api", ReceivedAt: time.Now().UTC(), ContentType: "application/json",
			RequestID: "request-" + body, Body: []byte(body),
		},
		Type: "incomingCall", Instance: "1101000001",
	}
	if _, err := streams.PublishNotification(testContext(t), &n); err != nil {
		t.Fatal(err)
	}
}

func TestForgettingNamesTheRegionsThatItDoesNotReach(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	streams := server.Open(t)
	opened, err := streams.JetStream().Stream(testContext(t), stream.Notifications)
	if err != nil {
		t.Fatal(err)
	}
	config := opened.CachedInfo().Config
	config.Sources = []*jetstream.StreamSource{{Name: "REGION_NORTH", External: &jetstream.ExternalStream{APIPrefix: "region.north.api"}}}
	if _, err := streams.JetStream().UpdateStream(testContext(t), config); err != nil {
		t.Fatal(err)
	}
	got := run(t, "forget", "--chat", "79000000000@c.us", "--dry-run", "--nats="+server.URL())
	if got.code != 0 || !strings.Contains(got.stdout, "the region behind REGION_NORTH, which nobody answers for: run this there") {
		t.Errorf("got %+v", got)
	}
}

func TestForgottenChatIsGoneAndTheAuditBalances(t *testing.T) {
	t.Parallel()
	server, streams := spoken(t)
	where := "--nats=" + server.URL()
	const anna = "79000000000@c.us"

	dry := run(t, "forget", "--chat", anna, "--dry-run", where)
	digest := service.Digest(streams.Client.LogKey(), anna)
	for _, want := range []string{"NOTIFICATIONS         4", "EVENTS                3", "DEAD_LETTERS          1", digest, "Dry run", "backups"} {
		if dry.code != 0 || !strings.Contains(dry.stdout, want) {
			t.Errorf("no %q in %+v", want, dry)
		}
	}
	run(t, "forget", "--chat", anna, where).fails(t, 1, "nothing erased; --yes would erase 8 messages")
	if got := len(all(t, streams.Events(testContext(t), admin.Query{}))); got != 6 {
		t.Fatalf("%d events are left of a dry run", got)
	}

	done := run(t, "forget", "--chat", anna, "--yes", where)
	if done.code != 0 || !strings.Contains(done.stdout, "Erased: 8 messages.") {
		t.Errorf("%+v", done)
	}
	left := slices.DeleteFunc(all(t, streams.Events(testContext(t), admin.Query{})), func(event notification.Event) bool {
		return event.OrderKey != anna
	})
	if len(left) > 0 {
		t.Errorf("left are %+v", left)
	}
	audited := run(t, "audit", where)
	if audited.code != 0 || !strings.Contains(audited.stdout, "Gone from NOTIFICATIONS, as is recorded: 4 erased") ||
		!strings.Contains(audited.stdout, "Gone from EVENTS, as is recorded: 3 erased") {
		t.Errorf("%+v", audited)
	}
	again := run(t, "forget", "--chat", anna, "--yes", where)
	if again.code != 0 || !strings.Contains(again.stdout, "nothing found") {
		t.Errorf("%+v", again)
	}
}

func TestChatToForgetIsFoundInAnySpelling(t *testing.T) {
	t.Parallel()
	server, _ := spoken(t)
	where := "--nats=" + server.URL()
	for _, spelling := range []string{"+79000000000", "+7 (900) 000-00-00", "79000000000", "79000000000@s.whatsapp.net", "79000000000:2@c.us"} {
		found := run(t, "forget", "--chat", spelling, "--dry-run", where)
		if found.code != 0 || !strings.Contains(found.stdout, "NOTIFICATIONS         4") || !strings.Contains(found.stdout, "DEAD_LETTERS          1") {
			t.Errorf("%s: %+v", spelling, found)
		}
	}
}

// Who sends it once more makes no event of what is erased. That is no loss either.
func TestRepetitionOfAForgottenCallMakesNoEvent(t *testing.T) {
	t.Parallel()
	server, streams := spoken(t)
	const anna = "79000000000@c.us"
	where := "--nats=" + server.URL()
	if done := run(t, "forget", "--chat", anna, "--yes", where); done.code != 0 {
		t.Fatalf("%+v", done)
	}
	stop := working(t, server, func(notification.Event) error { return nil })
	deliver(t, streams, strings.Replace(aCall(79000000000, "0"), ",", " ,", 1)) // Another request.
	eventually(t, "the repetition is accounted for", func() bool {
		repeated := run(t, "audit", "--json", where)
		return repeated.code == 0 && strings.Contains(repeated.stdout, `"erased":1,"unaccounted":0`)
	})
	stop()
	if repeated := run(t, "forget", "--chat", anna, "--yes", where); !strings.Contains(repeated.stdout, "Erased: 1 message.") {
		t.Errorf("%+v", repeated)
	}
}

func TestForgettingSpeaksJSON(t *testing.T) {
	t.Parallel()
	server, _ := spoken(t)
	got := run(t, "forget", "--instance", "1101000001", "--chat", "79000000001@c.us", "--yes", "--json", "--nats="+server.URL())
	if got.code != 0 {
		t.Fatalf("%+v", got)
	}
	kinds, last := map[string]int{}, map[string]any{}
	for line := range strings.Lines(got.stdout) {
		last = map[string]any{}
		if err := json.Unmarshal([]byte(line), &last); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		kinds[fmt.Sprint(last["kind"])]++
	}
	if kinds["found"] < 3 || kinds["log_digest"] != 1 || kinds["result"] != 1 || last["erased"] != last["found"] || last["dry_run"] != false {
		t.Errorf("printed %s", got.stdout)
	}
}

// terminal is one at which somebody types.
type terminal struct {
	io.Reader
	bytes.Buffer
}

func (t *terminal) Read(p []byte) (int, error) { return t.Reader.Read(p) }

func (*terminal) IsTerminal() bool { return true }

func TestForgettingAsksAtATerminal(t *testing.T) {
	t.Parallel()
	server, streams := spoken(t)
	for _, test := range []struct {
		answer string
		code   int
		left   int
	}{{"no\n", 1, 6}, {"", 1, 6}, {"yes\n", 0, 3}} {
		person, out := &terminal{Reader: strings.NewReader(test.answer)}, &bytes.Buffer{}
		code := cli.Run(testContext(t), cli.Process{
			Args: []string{"forget", "--chat", "79000000000@c.us", "--nats", server.URL()}, Stdin: person, Stdout: out, Stderr: person,
		})
		if code != test.code || !strings.Contains(person.String(), "Erase 8 messages for good?") {
			t.Errorf("answer %q: code %d, %s%s", test.answer, code, out, &person.Buffer)
		}
		if left := len(all(t, streams.Events(testContext(t), admin.Query{}))); left != test.left {
			t.Errorf("answer %q: %d events are left, want %d", test.answer, left, test.left)
		}
	}
}

func TestForgettingNeedsToBeToldWhat(t *testing.T) {
	t.Parallel()
	for want, args := range map[string][]string{
		"say what is to be erased": {"forget"},
		"too short":                {"forget", "--chat", "12"},
		"goes with no --dry-run":   {"forget", "--key", "k", "--yes", "--dry-run"},
	} {
		run(t, args...).fails(t, 2, want)
	}
}
