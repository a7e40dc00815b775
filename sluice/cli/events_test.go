package cli_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream/consume"
	"sluice.internal/shared/streamtest"
	"sluice.internal/sluice/cli"
)

func TestEventsAreListedInColumns(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	streams := server.Open(t)
	plain, odd := sampleEvent(streams, 1), sampleEvent(streams, 2)
	odd.Source, odd.Type, odd.Instance, odd.SentAt = "a-much-longer-source", "new\u202eType", strings.Repeat("9", 60), time.Time{}
	odd.Faults = []notification.Fault{{Pointer: "/from", Message: "is missing"}, {Message: "must be <one>"}}
	publish(t, streams, plain, odd)
	run(t, "events", "--nats", server.URL()).want(t, result{stdout: fmt.Sprintf(""+
		"RECEIVED             SEQUENCE  SOURCE                TYPE          INSTANCE                                          LANE  KEY       SENT                 FAULTS\n"+
		"%s         1  green-api             incomingCall  1101000001                                        %4d  key-of-0  %s  -\n"+
		"%s         2  a-much-longer-source  new\uFFFDType      99999999999999999999999999999999999999999999999…  %4d  key-of-0  -                    2\n",
		shown(plain.ReceivedAt), plain.Lane, shown(sentAt), shown(odd.ReceivedAt), odd.Lane)})
}

func TestEventIsShownWithItsFaults(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	streams := server.Open(t)
	event := sampleEvent(streams, 1)
	event.Faults = []notification.Fault{{Pointer: "/from", Message: "is missing"}, {Message: "must be <one>"}}
	publish(t, streams, event)
	got := run(t, "events", "show", "1", "--nats", server.URL())
	if got.code != 0 || !strings.HasPrefix(got.stdout, "event 1: incomingCall\n  source            green-api\n") ||
		!strings.Contains(got.stdout, "\nfaults\n  /from is missing\n  must be <one>\nbody, ") {
		t.Errorf("%+v", got)
	}
	for _, args := range [][]string{{"events", "--json"}, {"events", "show", "1", "--json"}} {
		got := run(t, append(args, "--nats", server.URL())...)
		if !strings.Contains(got.stdout, `"faults":[{"pointer":"/from","message":"is missing"},{"pointer":"","message":"must be <one>"}]`) {
			t.Errorf("%q: %+v", args, got)
		}
	}
	run(t, "events", "show", "7", "--nats", server.URL()).fails(t, 1, "there is no event 7; `sluice events` lists those there are")
}

func TestEventsAsJSONKeepBodiesUnharmed(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	streams := server.Open(t)
	bodies := []struct{ sent, printed string }{
		{
			"{\n  \"z\": 12345678901234567890123, \"a\": 1.10,\t\"html\": \"<b>&\u2028\", \"z\": 1e400}\n",
			`"body":{"z":12345678901234567890123,"a":1.10,"html":"<b>&` + "\u2028" + `","z":1e400}`,
		},
		{`null`, `"body":null`},
		{"not JSON", `"body_base64":"bm90IEpTT04="`},
		{"\"\xff\"", `"body_base64":"Iv8i"`},
	}
	var want strings.Builder
	for i, body := range bodies {
		event := sampleEvent(streams, i)
		event.Body = []byte(body.sent)
		publish(t, streams, event)
		fmt.Fprintf(&want, `{"sequence":%d,"key":"key-of-%04d","source":"green-api","type":"incomingCall",`+
			`"instance":"1101000001","order_key":"7@c.us","received_at":"2026-11-23T07:00:%02d.123456789Z",`+
			`"sent_at":"2026-11-23T06:59:58Z","notification_sequence":%d,"remote_address":"192.0.2.1",`+
			`"request_id":"request-%d","content_type":"application/json","lane":%d,%s}`+"\n",
			i+1, i, i, 100+i, i, event.Lane, body.printed)
	}
	run(t, "events", "--json", "--nats", server.URL()).want(t, result{stdout: want.String()})
}

func TestFieldsOfAnEventThatDoNotApplyAreLeftOut(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	streams := server.Open(t)
	event := sampleEvent(streams, 1)
	event.Instance, event.SentAt, event.RemoteAddress, event.RequestID, event.ContentType = "", time.Time{}, "", "", ""
	event.Body = nil
	publish(t, streams, event)
	run(t, "events", "--json", "--nats", server.URL()).want(t, result{stdout: fmt.Sprintf(
		`{"sequence":1,"key":"key-of-0001","source":"green-api","type":"incomingCall","order_key":"7@c.us",`+
			`"received_at":"2026-11-23T07:00:01.123456789Z","notification_sequence":101,"lane":%d}`+"\n", event.Lane)})
}

func TestEventsAreFilteredAndLimited(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	streams := server.Open(t)
	call, message, other := sampleEvent(streams, 1), sampleEvent(streams, 2), sampleEvent(streams, 3)
	message.Type, message.Instance = "incomingMessageReceived", "7"
	other.Source = "shop"
	publish(t, streams, call, message, other)
	for name, test := range map[string]struct {
		flags string
		want  string // sequences
	}{
		"all":             {"", "1 2 3"},
		"type":            {"--type=incomingCall", "1 3"},
		"instance":        {"--instance=7", "2"},
		"source":          {"--source=green-api", "1 2"},
		"type and source": {"--type=incomingCall --source=shop", "3"},
		"newest":          {"--limit=2", "2 3"},
		"newest of these": {"--limit=1 --source=green-api", "2"},
		"limit above all": {"--limit=99", "1 2 3"},
		"last hour":       {"--since=1h", "1 2 3"},
		"from a time on":  {"--since=2026-01-01T00:00:00+01:00", "1 2 3"},
		"from now on":     {"--since=-1h", ""},
		"none":            {"--type=deviceInfo", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := run(t, append([]string{"events", "--json", "--nats", server.URL()}, strings.Fields(test.flags)...)...)
			var sequences []string
			for line := range strings.Lines(got.stdout) {
				var event struct{ Sequence int }
				if err := json.Unmarshal([]byte(line), &event); err != nil {
					t.Fatalf("%v in %q", err, line)
				}
				sequences = append(sequences, fmt.Sprint(event.Sequence))
			}
			if listed := strings.Join(sequences, " "); got.code != 0 || listed != test.want {
				t.Errorf("events %q, want %q: %+v", listed, test.want, got)
			}
			if want := map[bool]string{true: "No events.\n"}[test.want == ""]; got.stderr != want {
				t.Errorf("standard error %q, want %q", got.stderr, want)
			}
		})
	}
}

func TestFollowingGoesOnUntilInterrupted(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	streams := server.Open(t)
	publish(t, streams, sampleEvent(streams, 1), sampleEvent(streams, 2))
	lines, stop := following(t, "events", "--follow", "--limit=1", "--nats", server.URL())
	if header := nextLine(t, lines); !strings.HasPrefix(header, "RECEIVED") {
		t.Errorf("first line %q", header)
	}
	for id := 2; id < 5; id++ {
		if line := nextLine(t, lines); !strings.Contains(line, shown(receivedAt.Add(time.Duration(id)*time.Second))) {
			t.Errorf("line %q, want event %d", line, id)
		}
		publish(t, streams, sampleEvent(streams, id+1))
	}
	nextLine(t, lines)
	stop().want(t, result{})
}

func TestFollowingAnEmptyStreamWritesJSONAtOnce(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	streams := server.Open(t)
	lines, stop := following(t, "events", "-f", "--json", "--nats", server.URL())
	publish(t, streams, sampleEvent(streams, 1))
	if line := nextLine(t, lines); !strings.HasPrefix(line, `{"sequence":1,`) {
		t.Errorf("line %q", line)
	}
	stop().want(t, result{})
}

func TestFollowingGoesOnAfterARestartOfTheServer(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	streams := server.Open(t)
	publish(t, streams, sampleEvent(streams, 1))
	lines, stop := following(t, "events", "-f", "--json", "--nats", server.URL())
	nextLine(t, lines)
	server.Restart(t)
	publish(t, streams, sampleEvent(streams, 2))
	if line := nextLine(t, lines); !strings.HasPrefix(line, `{"sequence":2,`) {
		t.Errorf("line %q", line)
	}
	got := stop()
	if got.code != 0 || !strings.Contains(got.stderr, "connection to NATS is back") {
		t.Errorf("got %+v", got)
	}
}

func TestSignalEndsFollowing(t *testing.T) { //nolint:paralleltest // Signals are the process's.
	server := streamtest.Start(t)
	server.Open(t)
	written := make(chan struct{}, 1)
	code := make(chan int, 1)
	var stderr bytes.Buffer
	go func() {
		code <- cli.Run(testContext(t), cli.Process{
			Args: []string{"events", "-f", "--nats", server.URL()}, Stderr: &stderr,
			Stdout: writerFunc(func(text []byte) (int, error) {
				written <- struct{}{}
				return len(text), nil
			}),
			Abort: func() { t.Error("aborted at the first signal") },
		})
	}()
	<-written
	if err := syscall.Kill(syscall.Getpid(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if got := <-code; got != 0 || stderr.Len() > 0 {
		t.Errorf("exit code %d, standard error %q", got, stderr.String())
	}
}

func TestListingForAReaderThatIsGoneEndsQuietly(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	streams := server.Open(t)
	event := sampleEvent(streams, 1)
	event.Body = []byte(`"` + strings.Repeat("more than is buffered", 8<<10) + `"`)
	publish(t, streams, event, sampleEvent(streams, 2))
	for _, flags := range []string{"", "--json", "--follow", "--follow --json"} {
		var stderr bytes.Buffer
		code := cli.Run(testContext(t), cli.Process{
			Args:   append([]string{"events", "--nats", server.URL()}, strings.Fields(flags)...),
			Stdout: goneReader(t), Stderr: &stderr,
		})
		if code != 0 || stderr.Len() > 0 {
			t.Errorf("events %s: exit code %d, standard error %q", flags, code, stderr.String())
		}
	}
}

func TestRowsBehindThoseThatSetTheWidthsAreListedToo(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	streams := server.Open(t)
	const count = 1100
	events := make([]notification.Event, count)
	for id := range events {
		events[id] = sampleEvent(streams, id)
	}
	for batch := range slices.Chunk(events, consume.MaxBatch) {
		publish(t, streams, batch...)
	}
	got := run(t, "events", "--nats", server.URL())
	if lines := strings.Count(got.stdout, "\n"); got.code != 0 || lines != count+1 {
		t.Errorf("exit code %d, %d lines, standard error %q", got.code, lines, got.stderr)
	}
}
