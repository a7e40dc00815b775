package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sluice.internal/sluice/cli"
	"sluice.internal/sluice/ledger"
	"sluice.internal/sluice/simulate"
)

func TestSimulateHelpFitsAScreen(t *testing.T) {
	t.Parallel()
	got := run(t, "simulate", "--help")
	if got.code != 0 || !strings.Contains(got.stdout, "\nExample:\n\n    sluice simulate ") {
		t.Errorf("exit code %d\n%s", got.code, got.stdout)
	}
	for line := range strings.Lines(got.stdout) {
		if len(line) > 81 {
			t.Errorf("wider than 80 columns: %s", line)
		}
	}
}

func TestSimulateRefusesWhatCanNotBeMeant(t *testing.T) {
	t.Parallel()
	for args, says := range map[string]string{
		"--instances=0":              "--instances must be more than 0",
		"--pause=0s":                 "--pause must be more than 0",
		"--timeout=-1s":              "--timeout must be more than 0",
		"--rate=201":                 "--rate must be at most 200, because each of 4 instances sends 50 a second at most",
		"--duplicates=2":             "--duplicates must be from 0 to 1",
		"--count=-1 --duration=-1s":  "--count must not be negative",
		"--url=127.0.0.1":            "--url must be an address",
		"--url=http://a --data=data": "can't be used together",
		"--token=secret":             "unknown flag --token",
	} {
		run(t, append([]string{"simulate"}, strings.Fields(args)...)...).fails(t, 2, says)
	}
	run(t, "simulate", "--data", t.TempDir()).fails(t, 1, "no sluice has run with")
}

func TestSimulateSendsToTheGatewayOfTheDataFolder(t *testing.T) {
	t.Parallel()
	g := startGateway(t, func(http.ResponseWriter, *http.Request) {})
	path := filepath.Join(t.TempDir(), "sent.ndjson")
	got := run(t, "simulate", "--data", g.withFolder(t), "--instances=3", "--count=5", "--seed=9", "--duplicates=0", "--json", "--ledger", path)
	if got.code != 0 || got.stderr != "The seed is 9.\n" {
		t.Errorf("got %+v", got)
	}
	const want = `{"notifications":15,"accepted":15,"given_up":0,"pending":0,"attempts":15,"resent":0,"answered_200":15,"others":0,"seed":"9","instances":3,"queued":0,"seconds":`
	if !strings.HasPrefix(got.stdout, want) || strings.Count(got.stdout, "\n") != 1 {
		t.Errorf("standard output %s", got.stdout)
	}
	for _, request := range g.requests {
		if !strings.HasPrefix(request, `POST /green-api/webhook application/json; charset=utf-8 ["Bearer made-token"] {"typeWebhook":"`) {
			t.Fatalf("request %s", request)
		}
	}
	content, err := os.ReadFile(path)
	if err != nil || len(g.requests) != 15 {
		t.Fatalf("%d requests, error %v", len(g.requests), err)
	}
	count := 0
	for entry, err := range ledger.Read(bytes.NewReader(content)) {
		if count++; err != nil || entry.Status != 200 {
			t.Errorf("entry %+v, error %v", entry, err)
		}
	}
	if count != 15 {
		t.Errorf("%d entries", count)
	}
}

func TestSimulateTellsWhatWasNotAccepted(t *testing.T) {
	t.Parallel()
	g := startGateway(t, answering(401, `{"code":"unauthorized","message":"Send the token."}`))
	got := run(t, "simulate", "--url", g.URL, "--instances=2", "--count=1", "--no-drain")
	got.fails(t, 1, "sluice: 2 of 2 notifications pending: sent and not answered 200\n", "sluice: no token was sent; set SLUICE_TOKEN")
	if !strings.Contains(got.stdout, "\nnot 200           2: 401 unauthorized\n") {
		t.Errorf("standard output\n%s", got.stdout)
	}
}

func TestInterruptedSimulationPrintsItsSummary(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(testContext(t))
	g := startGateway(t, func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	var stdout, stderr bytes.Buffer
	code := cli.Run(ctx, cli.Process{
		Args: []string{"simulate", "--url", g.URL, "--instances=1", "--json"}, Stdout: &stdout, Stderr: &stderr,
	})
	var summary simulate.Summary
	if err := json.Unmarshal(stdout.Bytes(), &summary); err != nil || code != 1 || summary.Pending != 1 ||
		len(summary.Outcomes) != 1 || summary.Outcomes[0].Error != "interrupted" {
		t.Errorf("exit code %d, error %v, standard output %q, standard error %q", code, err, stdout.String(), stderr.String())
	}
}
