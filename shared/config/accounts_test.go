package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sluice.internal/shared/config"
)

// tokenFile is a file with that text, and the options of a process that polls.
func tokenFile(t *testing.T, text string) (path string, opts config.Options) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path, config.Options{AllowMissingTokens: true, Accounts: true, Providers: map[string]config.Provider{
		"green-api": {Path: "/green-api", HTTPAPI: true}, "stripe": {Path: "/stripe"},
	}}
}

func TestInstanceIsCompleteOnceItIsLoaded(t *testing.T) {
	t.Parallel()
	path, opts := tokenFile(t, token+"\n")
	yaml := "sources: {green-api: {instances: {\"1101000001\": {receive: http-api, token_file: " + path + "}, \"110200000002\": }}}\n"
	cfg := mustLoad(t, yaml, opts)
	got := cfg.Sources["green-api"].Instances
	polled := got["1101000001"]
	if len(got) != 2 || polled.ID != "1101000001" || polled.Token.Reveal() != token || polled.APIURL != "https://api.green-api.com" ||
		polled.Wait != 20*time.Second || got["110200000002"].Receive != config.ReceiveWebhook {
		t.Errorf("got %+v", got)
	}
	opts.Accounts = false
	if got := mustLoad(t, yaml, opts).Sources["green-api"].Instances["1101000001"]; got.Token != (config.Secret{}) {
		t.Error("a process that needs no account has its token")
	}
}

func TestWhatIsWrongWithAnInstanceIsTold(t *testing.T) {
	t.Parallel()
	path, opts := tokenFile(t, token+"\n"+token)
	for instances, want := range map[string]string{
		`{"1": {receive: http-api}}`:                               "has no token_file",
		`{"1": {receive: http-api, token_file: ` + path + `}}`:     "several lines",
		`{"1": {token_file: /no/such/file}}`:                       "no such file",
		`{"1": {api_url: "http://1.api.green-api.com"}}`:           "must begin with https://",
		`{"1": {wait: 4s}}`:                                        "less than the minimum",
		`{"1a": {}}`:                                               "is no instance",
		`{"1": {poll: true}}`:                                      "unknown key",
		`{"1": {api_url: "https://u:p@1.api.green-api.com/?x=y"}}`: "is not an address",
	} {
		if _, faults := load(t, "sources: {green-api: {instances: "+instances+"}}\n", opts); !strings.Contains(faults, want) {
			t.Errorf("%s: %s, want %s", instances, faults, want)
		}
	}
	if _, faults := load(t, `sources: {stripe: {instances: {"1": }}}`+"\n", opts); !strings.Contains(faults, "are for provider green-api") {
		t.Errorf("of another provider: %s", faults)
	}
}

// A worker needs tokens only for answers, so it does without until then.
func TestTokenIsReadWhenItIsNeeded(t *testing.T) {
	t.Parallel()
	path, opts := tokenFile(t, "# of the shop\n"+token+"\n")
	opts.Accounts = false
	cfg := mustLoad(t, `sources: {green-api: {instances: {"1": {token_file: `+path+`}, "2": }}}`+"\n", opts)
	instances := cfg.Sources["green-api"].Instances
	if got, err := instances["1"].ReadToken(); err != nil || got.Reveal() != token {
		t.Errorf("got %s, error %v", got, err)
	}
	if _, err := instances["2"].ReadToken(); err == nil || !strings.Contains(err.Error(), "has no token_file") {
		t.Errorf("without a file: %v", err)
	}
	for text, want := range map[string]string{token + "\n" + token: "several lines", "\n": "no token in it"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := instances["1"].ReadToken(); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), token) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, err := instances["1"].ReadToken(); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("without the file: %v", err)
	}
}
