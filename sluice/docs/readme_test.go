package docs_test

import (
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"sluice.internal/shared/config"
	"sluice.internal/shared/source"
	"sluice.internal/sluice/up/uptest"
)

func TestReadmeIsAFrontDoor(t *testing.T) {
	t.Parallel()
	if lines := strings.Count(read(t, "README.md"), "\n"); lines > 200 {
		t.Errorf("the README has %d lines; what is more than 200 belongs to docs/", lines)
	}
}

// Who tries what the README says sees what it shows: the greeting, the answer, the event and the status.
func TestReadmeShowsWhatIsPrinted(t *testing.T) {
	t.Parallel()
	readme := open(t, "README.md")
	readme.text = readme.section(t, "## What you see")
	shown := readme.blocks("")
	if len(shown) != 4 {
		t.Fatalf("the README shows %d outputs", len(shown))
	}
	cfg, err := config.Load(config.Options{
		Flags:     map[string]string{"gateway.listen": "127.0.0.1:0"},
		Providers: source.Known(), AllowMissingTokens: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	running := uptest.StartAtTerminal(t, t.TempDir(), cfg)
	answer := postShown(t, running, shown[0])
	events := eventually(t, func() string { return sluice(t, "events", "--data", running.Dir) }, "incomingCall")
	status := sluice(t, "status", "--data", running.Dir, "--interval", "0")
	if err := running.Stop(); err != nil {
		t.Fatal(err)
	}

	if !strings.Contains(likeAnyRun(running.Out.String()), likeAnyRun(shown[0])) {
		t.Errorf("the greeting is\n%s", running.Out)
	}
	if likeAnyRun(answer) != likeAnyRun(shown[1]) {
		t.Errorf("the answer is\n%s", answer)
	}
	if likeAnyRun(events) != likeAnyRun(shown[2]) {
		t.Errorf("the events are\n%s", events)
	}
	for line := range strings.SplitSeq(strings.TrimSpace(shown[3]), "\n") {
		if !strings.Contains(likeAnyRun(status), likeAnyRun(line)) {
			t.Errorf("the status has no line %q\n%s", line, status)
		}
	}
}

// eventually calls look until it returns a text that has the word, for a minute at most, and returns that text.
func eventually(t *testing.T, look func() string, word string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		if text := look(); strings.Contains(text, word) {
			return text
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			t.Fatalf("nothing says %q", word)
		}
	}
}

// postShown sends the request of the greeting in the README, and returns the answer as it is shown there: the status,
// the headers that any run has, the body.
func postShown(t *testing.T, running *uptest.Sluice, greeting string) string {
	t.Helper()
	body := regexp.MustCompile(`-d '(.*)'`).FindStringSubmatch(greeting)
	if body == nil {
		t.Fatal("the greeting has no body")
	}
	token, err := os.ReadFile(filepath.Join(running.Dir, "green-api.token"))
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost,
		running.Description(t).GatewayURL+"/green-api/webhook/", strings.NewReader(body[1]))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	var headers []string
	for name := range response.Header {
		if !slices.Contains([]string{"Date", "Content-Length", "Sluice-Request-Id"}, name) {
			headers = append(headers, name+": "+response.Header.Get(name))
		}
	}
	slices.Sort(headers)
	return response.Proto + " " + response.Status + "\n" + strings.Join(headers, "\n") + "\n\n" + string(content) + "\n"
}

// likeAnyRun replaces what differs from run to run: ports, tokens, ids, times, numbers in the table of backlogs, and the
// space between columns.
func likeAnyRun(text string) string {
	for _, differs := range []struct{ pattern, with string }{
		{`127\.0\.0\.1:\d+`, "127.0.0.1:PORT"},
		{`Bearer [A-Z0-9]+`, "Bearer TOKEN"},
		{`"idMessage":"[A-Z0-9]+"`, `"idMessage":"ID"`},
		{`"timestamp":\d+`, `"timestamp":TIME`},
		{`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d`, "TIME"},
		{`(?m)^(intake|group default) .*$`, "$1"},
		{`  +`, "  "},
		{`\n+$`, ""},
	} {
		text = regexp.MustCompile(differs.pattern).ReplaceAllString(text, differs.with)
	}
	return text
}
