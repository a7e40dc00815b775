package config_test

import (
	"strings"
	"testing"
	"time"

	"sluice.internal/shared/config"
)

func TestHandlersThatAreNoGoAreRead(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string]string{
		"sluice.yaml": "handlers:\n  incomingMessageReceived: {url: \"http://localhost:3000/hook\", secret_file: secret, timeout: 10s}\n" +
			"  paid: {type: invoice.paid, provider: stripe, exec: [python3, paid.py], memory: 64MiB}\n",
		"secret": "whsec_MDEyMzQ1Njc4OWFiY2RlZg==\n",
	})
	cfg, err := config.Load(config.Options{File: dir + "/sluice.yaml", WithoutTokens: true, HandlerSecrets: true})
	if err != nil {
		t.Fatal(err)
	}
	posted, run := cfg.Handlers["incomingMessageReceived"], cfg.Handlers["paid"]
	if posted.Type != "incomingMessageReceived" || posted.Provider != "green-api" || posted.Timeout != 10*time.Second ||
		posted.Secret.Reveal() != "whsec_MDEyMzQ1Njc4OWFiY2RlZg==" {
		t.Errorf("%+v", posted)
	}
	if run.Type != "invoice.paid" || run.Provider != "stripe" || len(run.Exec) != 2 || run.Memory != 64*config.MiB || run.Timeout != 0 {
		t.Errorf("%+v", run)
	}
	others, err := config.Load(config.Options{File: dir + "/sluice.yaml", WithoutTokens: true})
	if err != nil || others.Handlers["incomingMessageReceived"].Secret != (config.Secret{}) {
		t.Errorf("who handles nothing reads the secret; error %v", err)
	}
}

func TestHandlersThatCanNotWorkAreFaults(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"paid: {type: x}":                                          "says neither url nor exec",
		"paid: {url: \"http://a/\", exec: [true]}":                 "can't be set together with",
		"paid: {url: \"ftp://a/\"}":                                "is not an address to post to",
		"paid: {url: \"http://me:hunter2@a/\"}":                    "has a user or a password in it",
		"paid: {exec: [\"\"]}":                                     "has no command",
		"paid: {exec: [true], secret_file: x}":                     "needs handlers.paid.url",
		"in.voice: {exec: [true]}":                                 "is no name for a handler",
		"paid: {exec: [true], timeout: -1s}":                       "less than the minimum",
		"paid: {url: \"http://a/\", secret_file: absent}":          "no such file",
		"a: {type: x, exec: [true]}\n  b: {type: x, exec: [true]}": "as handlers.a does",
	} {
		_, err := config.Load(config.Options{File: folderFile(t, "handlers:\n  "+text+"\n"), WithoutTokens: true, HandlerSecrets: true})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: error %v, want %q", text, err, want)
		}
	}
}
