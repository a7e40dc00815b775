package cli_test

import (
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sluice.internal/shared/greenapi/mock"
)

const (
	apiToken     = "d75b3a66374942c5b3c019c698abc2067e151558acbd412345"
	webhookToken = "the-token-of-the-webhook-0123456789"
)

// accountOf serves a mock with an instance, and returns it with a configuration that names it.
func accountOf(t *testing.T) (instance *mock.Instance, config string) {
	t.Helper()
	api := mock.New(mock.Options{Limits: true})
	server := httptest.NewServer(api)
	t.Cleanup(server.Close)
	folder := t.TempDir()
	token, config := filepath.Join(folder, "token"), filepath.Join(folder, "sluice.yaml")
	yaml := fmt.Sprintf("sources: {green-api: {token: %s, instances: {\"1101000001\": {api_url: %s, token_file: %s}, \"2\": }}}\n",
		webhookToken, server.URL, token)
	for name, text := range map[string]string{token: apiToken, config: yaml} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return api.Add("1101000001", apiToken), config
}

func TestWebhookIsSetWithEverythingSwitchedOnAndReadBack(t *testing.T) { //nolint:gocyclo // One story, told step by step.
	t.Parallel()
	instance, config := accountOf(t)
	instance.Set(map[string]string{"incomingWebhook": "no", "newKindWebhook": "no", "pollMessageWebhook": "no"})
	change := []string{"green-api", "settings", "--config", config, "1101000001", "--webhook", "https://host/green-api/webhook/", "--set", "pollMessageWebhook=no"}
	shown := run(t, change...)
	if shown.code != 1 || !strings.Contains(shown.stderr, "--yes would change it") || instance.Settings()["webhookUrl"] != "" {
		t.Errorf("without --yes: %+v", shown)
	}
	for _, want := range []string{"webhookUrl - https://host/", "webhookUrlToken - (set)", "newKindWebhook no yes"} {
		if !strings.Contains(strings.Join(strings.Fields(shown.stdout), " "), want) {
			t.Errorf("shown is %s, want %s", shown.stdout, want)
		}
	}
	if done := run(t, append(change, "--yes")...); done.code != 0 || !strings.Contains(done.stdout, "has these settings now") {
		t.Errorf("with --yes: %+v", done)
	}
	settings := instance.Settings()
	if settings["webhookUrl"] != "https://host/green-api/webhook/" || settings["webhookUrlToken"] != webhookToken ||
		settings["newKindWebhook"] != "yes" || settings["pollMessageWebhook"] != "no" {
		t.Errorf("settings %v", settings)
	}
	all := run(t, "green-api", "settings", "--config", config)
	again := run(t, append(change, "--yes")...)
	if again.code != 0 || !strings.Contains(again.stdout, "already") {
		t.Errorf("again: %+v", again)
	}
	if said := fmt.Sprint(shown, all, again); strings.Contains(said, apiToken) || strings.Contains(said, webhookToken) || !strings.Contains(said, "incomingWebhook") {
		t.Errorf("said %s", said)
	}
	poll := run(t, "green-api", "settings", "--config", config, "1101000001", "--poll", "--kinds=incoming", "--yes")
	if poll.code != 0 || instance.Settings()["webhookUrl"] != "" || instance.Settings()["webhookUrlToken"] != "" {
		t.Errorf("polled: %+v, settings %v", poll, instance.Settings())
	}
}

func TestStateAndQueueOfInstances(t *testing.T) {
	t.Parallel()
	instance, config := accountOf(t)
	instance.Push([]byte(`{}`))
	run(t, "green-api", "state", "--config", config).want(t, result{stdout: "INSTANCE    STATE\n1101000001  authorized\n"})
	run(t, "green-api", "queue", "--config", config, "--json").want(t, result{stdout: `{"instance":"1101000001","waiting":1}` + "\n"})
	instance.SetState("suspended")
	instance.Faults(mock.Fault{Method: "getWebhooksCount", Name: "401"})
	if got := run(t, "green-api", "state", "--config", config); got.code != 1 || !strings.Contains(got.stderr, "instance 1101000001 is not authorized but suspended") {
		t.Errorf("got %+v", got)
	}
	if got := run(t, "green-api", "queue", "--config", config); got.code != 1 || !strings.Contains(got.stderr, "is not this instance's") || strings.Contains(got.stderr, apiToken) {
		t.Errorf("got %+v", got)
	}
	if got := run(t, "green-api", "queue", "--config", config, "2"); got.code != 1 || !strings.Contains(got.stderr, "token_file") {
		t.Errorf("without a token: %+v", got)
	}
	if got := run(t, "green-api", "settings", "--config", config, "--poll"); got.code != 2 || !strings.Contains(got.stderr, "one instance at a time") {
		t.Errorf("of all: %+v", got)
	}
}
