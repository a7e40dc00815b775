package config_test

import (
	"strings"
	"testing"
	"time"

	"sluice.internal/shared/config"
)

func TestBotIsCompleteOnceItIsLoaded(t *testing.T) {
	t.Parallel()
	path, opts := tokenFile(t, token+"\n"+token+"2\n")
	yaml := "sources: {green-api: {instances: {\"1\": {token_file: " + path + "2}}}}\nbots: {crm_2: {instances: [\"7\"], token_file: " + path + "}}\n"
	opts.Accounts = false // Another process does not read the files, nor ask whether they are there.
	if got := mustLoad(t, yaml, opts).Bots["crm_2"]; len(got.Tokens) != 0 {
		t.Errorf("got %+v", got)
	}
	opts.Accounts = true
	yaml = "bots: {crm_2: {instances: [\"7\"], token_file: " + path + "}}\n"
	got := mustLoad(t, yaml, opts).Bots["crm_2"]
	if got.Name != "crm_2" || got.Source != "green-api" || len(got.Tokens) != 2 || got.Keep != 24*time.Hour || got.Forward != config.ForwardGuarded {
		t.Errorf("got %+v", got)
	}
}

func TestWhatIsWrongWithABotIsTold(t *testing.T) {
	t.Parallel()
	path, opts := tokenFile(t, token)
	source := "sources: {green-api: {instances: {\"1\": {token_file: " + path + "}, \"2\": }}}\n"
	for bots, want := range map[string]string{
		"{crm: {source: shop}}":                                    `there is no source "shop"`,
		"{crm: {instances: [\"2\"]}}":                              "of which sources.green-api.instances.2.token_file is not set",
		"{crm: {instances: [\"1\"]}, other: {instances: [\"1\"]}}": "as bots.crm does",
		"{crm: {instances: [x], token_file: " + path + "}}":        "is no instance",
		"{crm: {keep: 200h, token_file: " + path + "}}":            "more than streams.events.keep",
		"{crm: {forward: some, token_file: " + path + "}}":         "is not one of",
		"{Crm: {token_file: " + path + "}}":                        "is no name for a bot",
		"{crm: {token: x, token_file: " + path + "}}":              "unknown key",
	} {
		if _, faults := load(t, source+"bots: "+bots+"\n", opts); !strings.Contains(faults, want) {
			t.Errorf("%s: %s, want %s", bots, faults, want)
		}
	}
}
