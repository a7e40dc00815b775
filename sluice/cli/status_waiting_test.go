package cli_test

import (
	"strings"
	"testing"
	"time"

	"sluice.internal/shared/streamtest"
)

func TestWaitingListsTheOldestThatIsNotProcessed(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	streams := server.Open(t, streamtest.Lanes(1))
	run(t, "status", "--waiting", "--nats", server.URL()).want(t, result{stderr: "Everything is processed.\n"})
	blocked(t, streams)
	for id := range 2 {
		if err := notify(t, streams, id, "{}"); err != nil {
			t.Fatal(err)
		}
	}
	event := sampleEvent(streams, 3)
	event.Sequence, event.Attempt = 77, 4
	due := time.Now().Add(time.Hour)
	if err := streams.Park(testContext(t), "billing", &event, due); err != nil {
		t.Fatal(err)
	}
	got := run(t, "status", "--waiting", "--nats", server.URL())
	var lines [][]string
	for line := range strings.Lines(got.stdout) {
		lines = append(lines, strings.Fields(line)[1:]) // The age changes.
	}
	want := []string{
		"BACKLOG STATE SEQUENCE TYPE INSTANCE LANE KEY DUE",
		"group billing under way 1 incomingCall 1101000001 0 key-of-0 -",
		"group billing waiting 2 incomingCall 1101000001 0 key-of-0 -",
		"intake waiting 1 - - - - -",
		"intake waiting 2 - - - - -",
		"group billing parked 77 incomingCall 1101000001 0 key-of-0 " + shown(due),
	}
	if got.code != 0 || len(lines) != len(want) {
		t.Fatalf("got %+v", got)
	}
	for i := range want {
		if row := strings.Join(lines[i], " "); row != want[i] {
			t.Errorf("line %d: %q, want %q", i, row, want[i])
		}
	}
	got = run(t, "status", "--waiting", "--limit=1", "--json", "--nats", server.URL())
	const document = `{"sequence":1,"key":"key-of-0001","source":"green-api","type":"incomingCall","instance":"1101000001","lane":0,` +
		`"group":"billing","state":"under way",`
	if got.code != 0 || !strings.HasPrefix(got.stdout, document) || strings.Count(got.stdout, "\n") != 1 {
		t.Errorf("got %+v", got)
	}
}

func TestWatchLooksAgainUntilItIsInterrupted(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	streams := server.Open(t)
	lines, stop := following(t, "status", "--watch", "--json", "--interval=1ms", "--nats", server.URL())
	await := func(part string) {
		t.Helper()
		for !strings.Contains(nextLine(t, lines), part) {
		}
	}
	await(`"complaints":[]`)
	bury(t, streams)
	await(`"complaints":["2 dead letters since`)
	await(`{"kind":"stream","name":"NOTIFICATIONS"`)
	if got := stop(); got.code != 0 || !strings.Contains(got.stderr, "sluice: 2 dead letters since ") {
		t.Errorf("exit code %d, standard error %q", got.code, got.stderr)
	}
}
