package cli_test

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
)

const secret = "not-to-be-seen-anywhere"

func TestCheckNamesEveryFault(t *testing.T) {
	t.Parallel()
	file := writeFile(t, "sluice.yaml", "gatway: {}\nlog:\n  level: loud\nsources:\n  green-api:\n    token: "+secret+"\n    path: a b\n")
	got := typed{args: []string{"config", "check", "--config", file}, environ: []string{"SLUICE_LOG_LEVL=x", "SLUICE_DATA=d", "SLUICE_TOKEN=t"}}.run(t)
	want := file + `:1: gatway: unknown key; did you mean "gateway"?` + "\n" +
		file + `:3: log.level: "loud" is not one of debug, info, warn, error` + "\n" +
		file + `:7: sources.green-api.path: "/a b" is not a path; write for example /green-api/webhook` + "\n" +
		`SLUICE_LOG_LEVL: unknown variable; did you mean SLUICE_LOG_LEVEL?` + "\n"
	got.want(t, result{code: 1, stderr: want})
}

func TestCheckOfAGoodFileSaysSoAndWarns(t *testing.T) {
	t.Parallel()
	file := writeFile(t, "sluice.yaml", "sources:\n  shop:\n    provider: green-api\n    token: short\n  other:\n    provider: green-api\n    path: /other\n")
	got := typed{args: []string{"config", "check"}, environ: []string{"SLUICE_CONFIG=" + file}}.run(t)
	got.want(t, result{
		stdout: file + ": ok\n",
		stderr: "warning: " + file + ":4: sources.shop.token: the token is shorter than 16 characters and could be guessed\n" +
			"warning: sources.other: has no token; `sluice up` makes one, a gateway by itself does not start without\n",
	})
	typed{args: []string{"config", "check"}, environ: []string{"SLUICE_SOURCES_GREEN_API_TOKEN=" + secret}}.run(t).
		want(t, result{stdout: "defaults and variables, without a file: ok\n"})
}

func TestCheckOfAFileThatIsNotThere(t *testing.T) {
	t.Parallel()
	run(t, "config", "check", "--config", "nowhere.yaml").
		want(t, result{code: 1, stderr: "nowhere.yaml: no such file; create it or correct the path\n"})
}

func TestShowHasEveryValueAndNoSecret(t *testing.T) {
	t.Parallel()
	file := writeFile(t, "sluice.yaml", `
nats: {url: "nats://user:`+secret+`@nats.internal:4222"}
gateway: {trusted_proxies: [192.0.2.0/24, "::1"], read_timeout: 90s, idle_timeout: 2h}
sources:
  shop: {provider: green-api, tokens: [`+secret+`, `+secret+`-2], allow: [green-api, 192.0.2.7]}
`)
	shown := typed{args: []string{"config", "show", "--config", file}, environ: []string{"SLUICE_LOG_LEVEL=DEBUG", "SLUICE_GATEWAY_BODY_LIMIT=1MiB"}}
	got := shown.run(t)
	if got.code != 0 || got.stderr != "" {
		t.Errorf("got %+v", got)
	}
	values := map[string]string{}
	for line := range strings.Lines(got.stdout) {
		key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		values[key] = strings.TrimSpace(value)
	}
	for key, want := range map[string]string{
		"KEY":                             "VALUE",
		"log.level":                       "debug",
		"nats.url":                        "nats://[redacted]@nats.internal:4222",
		"nats.password":                   "-",
		"gateway.listen":                  ":8080",
		"gateway.trusted_proxies":         "192.0.2.0/24, ::1/128",
		"gateway.body_limit":              "1MiB",
		"gateway.read_timeout":            "1m30s",
		"gateway.idle_timeout":            "2h",
		"sources.shop.provider":           "green-api",
		"sources.shop.path":               "/green-api/webhook",
		"sources.shop.tokens":             "[redacted], [redacted]",
		"sources.shop.allow":              "green-api, 192.0.2.7",
		"sources.shop.publish_deadline":   "30s",
		"worker.intake":                   "true",
		"streams.replicas":                "1",
		"streams.events.duplicate_window": "48h",
	} {
		if values[key] != want {
			t.Errorf("%s is %q, want %q", key, values[key], want)
		}
	}
	shown.args = append(shown.args, "--json")
	object := shown.run(t)
	if first, _, _ := strings.Cut(object.stdout, "\n"); object.code != 0 || first != `{"key":"log.level","value":"debug"}` {
		t.Errorf("first line %q, standard error %q", first, object.stderr)
	}
	if strings.Contains(got.stdout+object.stdout, secret) {
		t.Error("a secret was shown")
	}
}

func TestShowOfABadConfigurationNamesItsFaults(t *testing.T) {
	t.Parallel()
	got := typed{args: []string{"config", "show"}, environ: []string{"SLUICE_LOG_LEVEL=loud", "SLUICE_LOG_FORMAT=pretty"}}.run(t)
	got.fails(t, 1, "sluice: the configuration has 2 faults:\n", "SLUICE_LOG_LEVEL: ", "SLUICE_LOG_FORMAT: ")
}

func TestKeysAreATableForPeopleReadersAndPrograms(t *testing.T) {
	t.Parallel()
	for flags, want := range map[string][]string{
		"": {
			"KEY VARIABLE DEFAULT MEANING\n",
			"gateway.listen SLUICE_GATEWAY_LISTEN :8080 Address that takes webhooks in.",
		},
		"--markdown": {
			"| key | variable | default | meaning |\n|---|---|---|---|\n",
			"| `gateway.listen` | `SLUICE_GATEWAY_LISTEN` | `:8080` | Address that takes webhooks in. |\n",
			"| `sources.<source>.path` | `SLUICE_SOURCES_<SOURCE>_PATH` |  | URL path",
		},
		"--json": {`{"key":"gateway.listen","env":"SLUICE_GATEWAY_LISTEN","type":"text","default":":8080","meaning":"Address that takes webhooks in."}` + "\n"},
	} {
		got := run(t, append([]string{"config", "keys"}, strings.Fields(flags)...)...)
		if flags == "" { // How wide its columns are depends on the longest key.
			got.stdout = regexp.MustCompile(` +`).ReplaceAllString(got.stdout, " ")
		}
		for _, text := range want {
			if got.code != 0 || got.stderr != "" || !strings.Contains(got.stdout, text) {
				t.Errorf("config keys %s lacks %q:\n%+v", flags, text, got)
			}
		}
	}
}

func TestSchemaIsADocument(t *testing.T) {
	t.Parallel()
	got := run(t, "config", "schema")
	var schema struct {
		Properties map[string]any `json:"properties"`
	}
	if err := json.Unmarshal([]byte(got.stdout), &schema); err != nil || schema.Properties["gateway"] == nil || got.code != 0 {
		t.Errorf("error %v, got %+v", err, got)
	}
}
