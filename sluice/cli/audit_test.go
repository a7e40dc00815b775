package cli_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/consume"
	"sluice.internal/shared/streamtest"
)

// damaged are streams with three events, of which the second one was taken out, for notifications that are not there
// any more, and two notifications that wait.
func damaged(t *testing.T) (server *streamtest.Server, streams *streamtest.Streams) {
	t.Helper()
	server = streamtest.Start(t)
	streams = server.Open(t)
	publish(t, streams, sampleEvent(streams, 1), sampleEvent(streams, 2), sampleEvent(streams, 3))
	for id := range 2 {
		if err := notify(t, streams, id, "{}"); err != nil {
			t.Fatal(err)
		}
	}
	events, err := streams.JetStream().Stream(testContext(t), stream.Events)
	if err != nil {
		t.Fatal(err)
	}
	if err := events.DeleteMsg(testContext(t), 2); err != nil {
		t.Fatal(err)
	}
	return server, streams
}

const damage = "sluice: the data is not as it should be: 1 gap\n"

func TestAuditOfEmptyStreamsIsFine(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	server.Open(t)
	run(t, "audit", "--nats", server.URL()).want(t, result{stdout: "" +
		"STREAM         STORED  EVENTS  DUPLICATES  DEAD  SENT AGAIN  DROPPED  WAITING  TRIMMED  ERASED  UNACCOUNTED\n" +
		"NOTIFICATIONS       0       0           0     0           0        0        0        0       0            0\n"})
}

func TestAuditFailsWhenSomethingIsGone(t *testing.T) {
	t.Parallel()
	server, streams := damaged(t)
	if _, err := streams.Group(testContext(t), consume.GroupSettings{Name: "billing"}); err != nil {
		t.Fatal(err)
	}
	run(t, "audit", "--nats", server.URL()).want(t, result{code: 1, stderr: damage, stdout: "" +
		"STREAM         STORED  EVENTS  DUPLICATES  DEAD  SENT AGAIN  DROPPED  WAITING  TRIMMED  ERASED  UNACCOUNTED\n" +
		"NOTIFICATIONS       2       0           0     0           0        0        2        0       0            0\n" +
		"\n" +
		"GROUP    EVENTS  HANDLED  WAITING  PARKED  DEAD  DROPPED\n" +
		"billing       2        0        2       0     0        0\n" +
		"\n" +
		"WHAT  STREAM  SEQUENCE  SOURCE  TYPE  INSTANCE  GROUP  KEY  DETAIL\n" +
		"gap   EVENTS         2  -       -     -         -      -    event 2 is gone from the stream, and those around it are there\n"})
}

func TestAuditForProgramsIsOneObjectALine(t *testing.T) {
	t.Parallel()
	server, _ := damaged(t)
	run(t, "audit", "--json", "--nats", server.URL()).want(t, result{code: 1, stderr: damage, stdout: "" +
		`{"kind":"balance","of":"notifications","stored":2,"events":0,"duplicates":0,"dead_letters":0,"sent_again":0,"dropped":0,"waiting":2,"trimmed":0,"erased":0,"unaccounted":0}` + "\n" +
		`{"kind":"item","what":"gap","stream":"EVENTS","sequence":2,"detail":"event 2 is gone from the stream, and those around it are there"}` + "\n"})
}

func TestAuditOfALedgerMissesWhatIsNotThere(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	streams := server.Open(t)
	if err := notify(t, streams, 1, "{}"); err != nil {
		t.Fatal(err)
	}
	const (
		there   = `{"source":"green-api","instance":"1","number":1,"type":"incomingCall","status":200,"receipt":"1","body_sha256":"44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"}` + "\n"
		missing = `{"source":"green-api","instance":"1","number":2,"type":"incomingCall","status":200,"receipt":"2","body_sha256":"0000000000000000000000000000000000000000000000000000000000000000"}` + "\n"
		torn    = `{"source":"green-api","inst`
	)
	ledger := filepath.Join(t.TempDir(), "sent.ndjson")
	for content, code := range map[string]int{there + torn: 0, there + missing + torn: 1} {
		if err := os.WriteFile(ledger, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		got := run(t, "audit", "--ledger", ledger, "--nats", server.URL())
		if got.code != code || !strings.Contains(got.stdout, "\nNever answered 200: 0 stored all the same, 0 not. Stored and in no ledger: 0.\n") {
			t.Errorf("got %+v", got)
		}
		if said := strings.Contains(got.stdout, "number 2 of its instance in the ledger: it was answered 200 with receipt 2"); said != (code == 1) {
			t.Errorf("got %+v", got)
		}
		got = run(t, "audit", "--json", "--ledger", ledger, "--nats", server.URL())
		var balance struct{ Accepted, Waiting, Missing int }
		if err := json.Unmarshal([]byte(strings.Split(got.stdout, "\n")[1]), &balance); err != nil {
			t.Fatal(err)
		}
		if balance.Waiting != 1 || balance.Missing != code || balance.Accepted != 1+code {
			t.Errorf("balance %+v in %s", balance, got.stdout)
		}
	}
}

func TestAuditListsAsMuchAsItIsTold(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	streams := server.Open(t)
	events, err := streams.JetStream().Stream(testContext(t), stream.Events)
	if err != nil {
		t.Fatal(err)
	}
	for id := range 7 {
		publish(t, streams, sampleEvent(streams, id))
	}
	for _, sequence := range []uint64{2, 4, 6} {
		if err := events.DeleteMsg(testContext(t), sequence); err != nil {
			t.Fatal(err)
		}
	}
	for limit, want := range map[string]struct {
		lines int
		says  string
	}{
		"2": {2, "3 gap; 1 of them are not listed, --limit 0 lists all\n"},
		"3": {3, "3 gap\n"},
		"0": {3, "3 gap\n"},
	} {
		got := run(t, "audit", "--limit", limit, "--nats", server.URL())
		if lines := strings.Count(got.stdout, "gap   EVENTS"); lines != want.lines || !strings.HasSuffix(got.stderr, want.says) || got.code != 1 {
			t.Errorf("with --limit %s got %+v", limit, got)
		}
	}
}

func TestAuditWithAWrongLedgerIsAClearError(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	server.Open(t)
	file := filepath.Join(t.TempDir(), "other.ndjson")
	if err := os.WriteFile(file, []byte("{}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, "audit", "--ledger", file, "--nats", server.URL()).fails(t, 1, "read ledger", file, "line 1 is no entry")
	run(t, "audit", "--ledger", file+"x", "--nats", server.URL()).fails(t, 1, "open ledger", file+"x")
	run(t, "audit", "--limit=-1").fails(t, 2, "--limit must not be negative", "Try `sluice audit --help`")
}
