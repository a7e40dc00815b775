package cli_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream/consume"
	"sluice.internal/shared/streamtest"
)

// chats publishes events of several chats in turn, and other ones among them.
func chats(t *testing.T, streams *streamtest.Streams) {
	t.Helper()
	var events []notification.Event
	for id := range 12 {
		n := notification.Notification{
			Origin: notification.Origin{
				Source: "green-api", Provider: "green-api", ReceivedAt: receivedAt, ContentType: "application/json",
				Body: []byte(fmt.Sprintf(`{ "id": %d }`, id)),
			},
			Sequence: uint64(101 + id),
		}
		identity := notification.Identity{
			Type: "incomingCall", Instance: "1101000001", OrderKey: fmt.Sprint(id % 3), Key: fmt.Sprintf("key-of-%04d", id),
		}
		if id == 5 {
			identity.Type = "deviceInfo"
		}
		events = append(events, streamtest.NewEvent(streams, &n, identity))
	}
	publish(t, streams, events...)
}

func TestReplayedEventsComeInTheOrderOfTheirChatsAndSaySo(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	streams := server.Open(t)
	chats(t, streams)
	events := make(chan notification.Event, 99)
	working(t, server, func(event notification.Event) error {
		events <- event
		return nil
	})
	for range 12 {
		<-events // As they came.
	}
	flags := []string{"replay", "--group=billing", "--type=incomingCall", "--rate=0", "--nats", server.URL()}
	run(t, append(flags, "--dry-run")...).want(t, result{stdout: "would be replayed: 11 events: 11 incomingCall\n"})
	run(t, flags...).want(t, result{stdout: "replayed: 11 events: 11 incomingCall\n"})
	last := map[string]uint64{}
	for range 11 {
		event := <-events
		if !event.Replayed || event.Attempt != 1 || event.Type != "incomingCall" || !strings.HasPrefix(event.Round, "replay/20") {
			t.Errorf("replayed %+v", event)
		}
		if event.Key != fmt.Sprintf("key-of-%04d", event.Sequence-1) {
			t.Errorf("event %d has key %q", event.Sequence, event.Key)
		}
		if event.Sequence <= last[event.OrderKey] {
			t.Errorf("chat %s: event %d after %d", event.OrderKey, event.Sequence, last[event.OrderKey])
		}
		last[event.OrderKey] = event.Sequence
	}
	operations := operationsIn(t, streams)
	if len(operations) != 1 {
		t.Fatalf("%d operations, want 1: the dry run is none", len(operations))
	}
	done := operations[0]
	if done.What != notification.OperationReplay || done.Group != "billing" || !strings.Contains(done.By, "@") ||
		done.Detail != "11 events: 11 incomingCall, sequence 1 to 12, to group billing" {
		t.Errorf("operation %+v", done)
	}
}

func TestReplayTakesWhatTheFiltersLeave(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	streams := server.Open(t)
	chats(t, streams)
	if _, err := streams.Group(testContext(t), consume.GroupSettings{Name: "billing"}); err != nil {
		t.Fatal(err)
	}
	for flags, want := range map[string]string{
		"--all":                                 "12 events: 11 incomingCall, 1 deviceInfo",
		"--type=deviceInfo":                     "1 event: 1 deviceInfo",
		"--key=key-of-0005 --key=key-of-0006":   "2 events: 1 deviceInfo, 1 incomingCall",
		"--from-sequence=11":                    "2 events: 2 incomingCall",
		"--from-sequence=13":                    "0 events",
		"--from-sequence=11 --since=1h":         "2 events: 2 incomingCall",
		"--since=1h --until=-1h":                "12 events: 11 incomingCall, 1 deviceInfo",
		"--since=-1h":                           "0 events",
		"--until=1h":                            "0 events",
		"--instance=7":                          "0 events",
		"--instance=1101000001 --source=github": "0 events",
	} {
		args := append([]string{"replay", "--group=billing", "--dry-run", "--nats", server.URL()}, strings.Fields(flags)...)
		run(t, args...).want(t, result{stdout: "would be replayed: " + want + "\n"})
	}
	run(t, "replay", "--group=crm", "--all", "--nats", server.URL()).want(t, result{
		code: 1, stderr: "sluice: there is no group \"crm\"; there is billing\n",
	})
}

func TestReplayThatFailsSaysWhereToGoOn(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	streams := server.Open(t)
	chats(t, streams)
	program := newProgram(t)
	program.fail("key-of-0004")
	flags := []string{"replay", "--to", program.url + "/hook?secret=1", "--since=1h", "--type=incomingCall", "--rate=0", "--nats", server.URL()}
	got := run(t, append(flags, "--tries=1")...)
	got.fails(t, 1, "sluice: replay event 5: 503: not now\n", "sluice: to go on: sluice replay --to '"+program.url+
		"/hook?secret=1' --type incomingCall --from-sequence 5 --until 20")
	if got.stdout != "replayed: 4 events: 4 incomingCall\n" {
		t.Errorf("standard output %q", got.stdout)
	}
	if operations := operationsIn(t, streams); len(operations) != 1 ||
		operations[0].Detail != "4 events: 4 incomingCall, sequence 1 to 4, to "+program.url+"/hook" {
		t.Errorf("operations %+v", operations)
	}

	program.mend()
	_, command, _ := strings.Cut(got.stderr, "to go on: sluice ")
	again := strings.Fields(strings.ReplaceAll(command, "'", ""))
	run(t, again...).want(t, result{stdout: "replayed: 7 events: 7 incomingCall\n"})
	var keys []string
	for _, request := range program.requests() {
		keys = append(keys, request.header.Get("Sluice-Key"))
	}
	want := []string{"key-of-0000", "key-of-0001", "key-of-0002", "key-of-0003", "key-of-0004"} // The last one in vain.
	for id := 4; id < 12; id++ {
		if id != 5 {
			want = append(want, fmt.Sprintf("key-of-%04d", id))
		}
	}
	if !slices.Equal(keys, want) {
		t.Errorf("posted %q, want %q", keys, want)
	}
}

func TestPostThatFailsIsTriedAgain(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	streams := server.Open(t)
	publish(t, streams, sampleEvent(streams, 1))
	program := newProgram(t)
	program.failOnce("key-of-0001")
	run(t, "replay", "--to", program.url, "--all", "--tries=2", "--nats", server.URL()).want(t, result{
		stdout: "replayed: 1 event: 1 incomingCall\n",
	})
	requests := program.requests()
	if len(requests) != 2 {
		t.Fatalf("%d requests, want 2", len(requests))
	}
	for _, request := range requests {
		if request.body != `{"id": 1}` {
			t.Errorf("body %q", request.body)
		}
		for name, want := range map[string]string{
			"Content-Type": "application/json", "Sluice-Key": "key-of-0001", "Sluice-Type": "incomingCall",
			"Sluice-Source": "green-api", "Sluice-Instance": "1101000001", "Sluice-Sequence": "1", "Sluice-Replayed": "true",
			"Sluice-Received-At": receivedAt.Add(time.Second).Format(time.RFC3339Nano),
		} {
			if got := request.header.Get(name); got != want {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
	}
}

func TestInterruptedReplaySaysWhereToGoOn(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	streams := server.Open(t)
	chats(t, streams)
	program := newProgram(t)
	_, stop := following(t, "replay", "--to", program.url, "--all", "--rate=0.001", "--nats", server.URL())
	eventually(t, "the first event", func() bool { return len(program.requests()) == 1 })
	got := stop()
	got.fails(t, 1, "sluice: interrupted\n", "--from-sequence ")
	if !strings.HasPrefix(got.stdout, "replayed: ") {
		t.Errorf("standard output %q", got.stdout)
	}
}

func TestReplayLeavesOutWhatComesInMeanwhile(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	streams := server.Open(t)
	chats(t, streams)
	program := newProgram(t)
	program.onRequest(func() { publish(t, streams, sampleEvent(streams, 100+len(program.requests()))) })
	run(t, "replay", "--to", program.url, "--all", "--rate=0", "--nats", server.URL()).want(t, result{
		stdout: "replayed: 12 events: 11 incomingCall, 1 deviceInfo\n",
	})
}

func TestReplayThatAnswersAgainSaysSo(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	streams := server.Open(t)
	chats(t, streams)
	events := make(chan notification.Event, 99)
	working(t, server, func(event notification.Event) error {
		events <- event
		return nil
	})
	for range 12 {
		if event := <-events; event.AnswerAgain {
			t.Errorf("it is new and is to be answered again: %+v", event)
		}
	}
	flags := []string{"replay", "--group=billing", "--key=key-of-0003", "--rate=0", "--nats", server.URL()}
	for _, again := range []bool{false, true} {
		if again {
			flags = append(flags, "--answer-again")
		}
		run(t, flags...).want(t, result{stdout: "replayed: 1 event: 1 incomingCall\n"})
		if event := <-events; event.AnswerAgain != again {
			t.Errorf("to be answered again: %t, want %t", event.AnswerAgain, again)
		}
	}
	operations := operationsIn(t, streams)
	if last := operations[len(operations)-1].Detail; !strings.HasSuffix(last, "to group billing, to be answered again") {
		t.Errorf("recorded %q", last)
	}
	if got := run(t, "replay", "--to=http://127.0.0.1:1/", "--all", "--answer-again"); got.code == 0 || !strings.Contains(got.stderr, "--answer-again goes with --group") {
		t.Errorf("with --to: %+v", got)
	}
}
