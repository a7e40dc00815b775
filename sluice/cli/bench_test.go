package cli_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"sluice.internal/shared/streamtest"
)

func TestBenchHelpFitsAScreen(t *testing.T) {
	t.Parallel()
	got := run(t, "bench", "--help")
	if got.code != 0 || !strings.Contains(got.stdout, "\nExample:\n\n    sluice bench ") || strings.Contains(got.stdout, "--part") {
		t.Errorf("exit code %d\n%s", got.code, got.stdout)
	}
	for line := range strings.Lines(got.stdout) {
		if len(line) > 81 {
			t.Errorf("wider than 80 columns: %s", line)
		}
	}
}

func TestBenchRefusesWhatCanNotBeMeant(t *testing.T) {
	t.Parallel()
	for args, says := range map[string]string{
		"--connections=0":         "--connections must be more than 0",
		"--connections=1,2":       "--connections takes one number",
		"--duration=-1s":          "--duration must be more than 0",
		"--rounds=0":              "--rounds must be more than 0",
		"--parked=-1":             "--parked must be 0 or more",
		"--url=127.0.0.1":         "--url must be an address",
		"--table --json":          "can't be used together",
		"--nats=nats://a --data=": "can't be used together",
	} {
		run(t, append([]string{"bench"}, strings.Fields(args)...)...).fails(t, 2, says)
	}
	run(t, "bench", "--table").fails(t, 1, "can't run itself")
	run(t, "bench", "--data", t.TempDir()).fails(t, 1, "no sluice has run with")
}

func TestBenchSaysWhatItDidNotLookAt(t *testing.T) {
	t.Parallel()
	to := startGateway(t, storing())
	got := typed{
		args:    []string{"bench", "--url", to.URL + "/hook", "--duration=500ms", "--connections=1", "--size=700"},
		environ: []string{"SLUICE_TOKEN=secret"},
	}.run(t)
	if got.code != 0 || !strings.Contains(got.stdout, "\nin the stream         not looked at\n") ||
		!strings.HasPrefix(got.stderr, "The stream is not looked at") {
		t.Errorf("got %+v", got)
	}
	for _, request := range to.requests {
		if !strings.HasPrefix(request, `POST /hook application/json ["Bearer secret"] {"typeWebhook":"incomingMessageReceived"`) {
			t.Fatalf("sent %s", request)
		}
	}
}

func TestBenchFailsWhenSomethingIsNotInTheStream(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	server.Open(t)
	to := startGateway(t, storing()) // It does not.
	got := run(t, "bench", "--url", to.URL, "--nats", server.URL(), "--duration=500ms", "--connections=1", "--json")
	got.fails(t, 1, "are not in the stream")
	var result struct {
		Checked struct{ Accepted, Missing int }
	}
	if err := json.Unmarshal([]byte(got.stdout), &result); err != nil {
		t.Fatal(err)
	}
	if result.Checked.Accepted == 0 || result.Checked.Accepted != result.Checked.Missing {
		t.Errorf("printed %s", got.stdout)
	}
}

func TestBenchFailsWhenTheAnswerIsNot200(t *testing.T) {
	t.Parallel()
	to := startGateway(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) })
	run(t, "bench", "--url", to.URL, "--duration=500ms").fails(t, 1, "answers have status 401", "no request was answered 200")
}
