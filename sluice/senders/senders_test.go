package senders_test

import (
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestAllProvidersAtOnceSendEventsThatAreUnderstood(t *testing.T) {
	t.Parallel()
	l := start(t, everybody)
	xml := http.Header{"Content-Type": {"application/xml"}}
	sent := []struct {
		source, secret, kind, body string
		header                     http.Header
		want                       string
	}{
		{"green-api", secret, "", call, nil, "incomingCall"},
		{"timepad", secret, "", `{"id":7,"tickets":[],"hook_guid":"g","hook_generated_at":"2026-03-01 12:00:00"}`, nil, "order"},
		{"sms-by", secret, "", "channel=VIBER&message_id=2892295&status=SENT", nil, "messageStatus"},
		{"github", secret, "push", `{"ref":"x"}`, nil, "push"},
		{"github-2", "second-secret-0123456789", "ping", `{"zen":"x"}`, nil, "ping"},
		{"slack", secret, "", `{"type":"event_callback","event_id":"E","event":{"type":"message"}}`, nil, "message"},
		{"dropbox", secret, "", `{"list_folder":{"accounts":["a"]}}`, nil, "list_folder"},
		{"stripe", secret, "", `{"id":"evt_1","type":"charge.failed","data":{}}`, nil, "charge.failed"},
		{"shopify", secret, "orders/paid", `{"id":1}`, nil, "orders/paid"},
		{"standard-webhooks", whsec, "", `{"type":"user.created"}`, nil, "user.created"},
		{"generic", secret, "", `{"a":1}`, http.Header{"X-Event": {"thing"}}, "thing"},
		{"crm", secret, "", `<a/>`, xml, "note"},
	}
	for _, s := range sent {
		wrong := "a-wrong-secret-0123456789"
		if s.source == "standard-webhooks" {
			wrong = "whsec_" + strings.Repeat("A", 32)
		}
		for secret, want := range map[string]int{s.secret: http.StatusOK, wrong: http.StatusUnauthorized} {
			header := http.Header{}
			maps.Copy(header, s.header)
			if status, answer := l.sign(s.source, secret, s.kind, header, []byte(s.body)); status != want {
				t.Errorf("%s is answered %d %s, want %d", s.source, status, answer, want)
			}
		}
	}
	events := map[string]string{}
	for _, event := range l.events(len(sent)) {
		events[event.Source] = event.Type
	}
	for _, s := range sent {
		if events[s.source] != s.want {
			t.Errorf("%s became an event of type %q, want %q", s.source, events[s.source], s.want)
		}
	}
	for _, letter := range l.letters() {
		t.Errorf("%s became a dead letter: %s", letter.Source, letter.Error)
	}
}

const call = `{"typeWebhook":"incomingCall","instanceData":{"idInstance":1101000001,"wid":"71231234567@c.us",` +
	`"typeInstance":"whatsapp"},"timestamp":1749207600,"idMessage":"104179EDB7F53289","from":"79001234500@c.us","status":"offer"}`

func TestWhatIsSentAgainIsOneEvent(t *testing.T) {
	t.Parallel()
	l := start(t, everybody)
	form := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	for range 3 {
		for source, body := range map[string]string{
			"timepad": `{"id":7,"hook_guid":"g","hook_generated_at":"2026-03-01 12:00:00"}`,
			"stripe":  `{"id":"evt_1","type":"charge.failed","data":{}}`,
			"slack":   `{"event_id":"E","event":{"type":"message"}}`,
		} {
			if status, answer := l.sign(source, secret, "", http.Header{}, []byte(body)); status != http.StatusOK {
				t.Fatalf("%s is answered %d %s", source, status, answer)
			}
		}
		github := http.Header{"X-Github-Delivery": {"d-1"}, "X-Github-Event": {"push"}}
		if status, answer := l.sign("github", secret, "", github, []byte(`{"ref":"x"}`)); status != http.StatusOK {
			t.Fatalf("github is answered %d %s", status, answer)
		}
		if status, answer := l.sign("sms-by", secret, "", form.Clone(), []byte("channel=SMS&message_id=1&status=SENT")); status != http.StatusOK {
			t.Fatalf("sms-by is answered %d %s", status, answer)
		}
	}
	if status, _ := l.sign("crm", secret, "", http.Header{"Content-Type": {"text/plain"}}, []byte("the last")); status != http.StatusOK {
		t.Fatal("the last one is not stored")
	}
	events := l.events(6)
	for _, event := range events {
		if event.Source == "crm" {
			continue
		}
		for _, other := range events {
			if other.Source == event.Source && other.Sequence != event.Sequence {
				t.Errorf("%s has two events", event.Source)
			}
		}
	}
}

func TestObservedSourceBecomesEventsUnlessTheyAreNoise(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "crm"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "crm", "note.json"), []byte(`{"type":"object","required":["deal"]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	l := start(t, everybody+"  strict: {provider: generic, path: /strict, token: "+secret+`, read: {type: "constant:note"}}`+"\nschemas_dir: "+dir+"\n")
	for _, body := range []string{`{"other":1}`, `{`, `{"deal":1}`} {
		if status, answer := l.sign("crm", secret, "", http.Header{"Content-Type": {"application/json"}}, []byte(body)); status != http.StatusOK {
			t.Fatalf("answered %d %s", status, answer)
		}
	}
	events := l.events(2)
	for i, event := range events {
		if event.Source != "crm" || len(events) != 2 || len(event.Faults) != 1-i {
			t.Errorf("event %d is %s of %s with faults %+v", i, event.Type, event.Source, event.Faults)
		}
	}
	if letters := l.letters(); len(letters) != 1 || string(letters[0].Body) != "{" {
		t.Errorf("dead letters %+v", letters)
	}
}

// The bodies of go-playground/webhooks are what GitHub sent to its authors.
func TestBodiesThatGitHubSentGoThrough(t *testing.T) {
	t.Parallel()
	output, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/go-playground/webhooks/v6").Output()
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(output)), "testdata", "github", "*.json"))
	if err != nil || len(files) < 40 {
		t.Fatalf("found %d files: %v", len(files), err)
	}
	l := start(t, everybody)
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		kind := strings.ReplaceAll(strings.TrimSuffix(filepath.Base(file), ".json"), "-", "_")
		if status, answer := l.sign("github", secret, kind, http.Header{}, body); status != http.StatusOK {
			t.Errorf("%s is answered %d %s", filepath.Base(file), status, answer)
		}
	}
	types := map[string]bool{}
	for _, event := range l.events(len(files)) {
		types[event.Type] = true
	}
	for _, kind := range []string{"push", "ping", "issues.opened", "pull_request.opened"} {
		if !types[kind] {
			t.Errorf("no event of type %s among %v", kind, types)
		}
	}
	for _, letter := range l.letters() {
		t.Errorf("a body became a dead letter: %s", letter.Error)
	}
}
