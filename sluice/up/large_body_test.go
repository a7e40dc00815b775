package up_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestLargestBodyOfAProviderBecomesAnEvent holds the way from the gateway's limit to NATS and the worker together: what
// GitHub sends at most is far above what NATS takes by default.
func TestLargestBodyOfAProviderBecomesAnEvent(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	config := filepath.Join(folder, "sluice.yaml")
	written := "gateway: {listen: '127.0.0.1:0'}\nsources: {github: {secrets: [{secret: a-secret-of-github-0123456789}]}}\n"
	if err := os.WriteFile(config, []byte(written), 0o600); err != nil {
		t.Fatal(err)
	}
	running := startWith(t, filepath.Join(folder, "data"), loadFile(t, config))
	const size = 25 << 20
	open, end := `{"action":"opened","repository":{"full_name":"a/b","owner":{"login":"a"}},"number":1,"text":"`, `"}`
	body := open + strings.Repeat("x", size-len(open)-len(end)) + end
	file := filepath.Join(folder, "body")
	if err := os.WriteFile(file, []byte(body), 0o600); err != nil {
		t.Fatal(err)
	}
	command(t, 0, "send", "--data", running.Dir, "--config", config, "--source", "github", "--type", "issues", file)
	for _, event := range storedEvents(t, running.Dir, 1) {
		if event.Type != "issues.opened" || string(event.Body) != body {
			t.Errorf("the event has type %q and %d bytes", event.Type, len(event.Body))
		}
	}
}
