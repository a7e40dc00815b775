package config_test

import (
	"reflect"
	"strings"
	"testing"

	"sluice.internal/shared/config"
)

// sample is a value that is not the default, where there is one that fits.
func sample(k config.Key) string {
	switch {
	case strings.HasSuffix(k.Key, "listen"):
		return "127.0.0.1:0"
	case k.Key == "streams.events.max_age":
		return "200h" // It is longer than keep.
	case k.Key == "sources.<source>.provider":
		return "stripe"
	case k.Key == "sources.<source>.token_at":
		return "/secret"
	case k.Key == "sources.<source>.signature.algorithm":
		return "digest" // The last of them needs a key that nobody can make up.
	case k.Key == "gateway.public_url":
		return "https://hooks.example.org"
	case strings.HasSuffix(k.Type, "path"):
		return "" // of no file; the others have tests of their own
	case strings.Contains(k.Type, ", "):
		choices := strings.Split(k.Type, ", ")
		return choices[len(choices)-1]
	}
	if k.Key == "sources.<source>.answer.status" {
		return "202"
	}
	return map[string]string{
		"text": "text", "list: text": "192.0.2.1", "secret": token, "list: secret": token, "URL": "tls://host:1",
		"size": "1MiB", "duration": "100h", "sections": "text", "true or false": "false", "number": "3", "list: address or CIDR": "192.0.2.0/24",
	}[k.Type]
}

func TestEveryKeyCanBeSetByItsVariable(t *testing.T) {
	t.Parallel()
	untouched := mustLoad(t, "", config.Options{AllowMissingTokens: true})
	for _, k := range config.Keys() {
		if k.Env == "" {
			continue // It is in a list, which has tests of its own.
		}
		t.Run(k.Key, func(t *testing.T) {
			t.Parallel()
			environ := []string{strings.ReplaceAll(k.Env, "<SOURCE>", "GREEN_API") + "=" + sample(k)}
			switch k.Key {
			case "nats.password":
				environ = append(environ, "SLUICE_NATS_USER=me")
			case "gateway.client_cert_header":
				environ = append(environ, "SLUICE_GATEWAY_TLS_CLIENT_CA_FILE=environ_test.go")
			}
			cfg := mustLoad(t, "", config.Options{AllowMissingTokens: true, Environ: environ})
			same := reflect.DeepEqual(cfg, untouched)
			if want := sample(k) == "" || sample(k) == k.Default; same != want {
				t.Errorf("%s changed nothing: %t, want %t", environ[0], same, want)
			}
		})
	}
}

func TestVariablesAreHeldAgainstTheKnownKeys(t *testing.T) {
	t.Parallel()
	const yaml = "sources: {my-shop: {provider: stripe, token: " + token + "}, shop: {provider: green-api, auth: none}}\n"
	for name, test := range map[string]struct{ variable, want string }{
		"a section that is none":          {"SLUICE_GATWAY_LISTEN=:1", "SLUICE_GATWAY_LISTEN: unknown variable; did you mean SLUICE_GATEWAY_LISTEN?"},
		"a key that is none":              {"SLUICE_GATEWAY_BODYLIMIT=1", "SLUICE_GATEWAY_BODYLIMIT: unknown variable; did you mean SLUICE_GATEWAY_BODY_LIMIT?"},
		"a source that the file has not":  {"SLUICE_SOURCES_MY_SHOPS_TOKEN=1", "SLUICE_SOURCES_MY_SHOPS_TOKEN: unknown variable; did you mean SLUICE_SOURCES_MY_SHOP_TOKEN?"},
		"a variable of the caller's":      {"SLUICE_CONFIG=x.yaml", ""},
		"almost a variable of a caller's": {"SLUICE_CONFG=x.yaml", "SLUICE_CONFG: unknown variable; did you mean SLUICE_CONFIG?"},
		"a variable of somebody else's":   {"SLUICEGATE=1", ""},
		"a variable without a value":      {"SLUICE_LOG_LEVEL", ""},
		"another spelling":                {"SLUICE_log_level=info", "SLUICE_log_level: unknown variable"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			opts := config.Options{Environ: []string{test.variable}, Variables: []string{"SLUICE_CONFIG", "SLUICE_DATA"}}
			if _, got := load(t, yaml, opts); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestNoTwoKeysShareAVariable(t *testing.T) {
	t.Parallel()
	owners := map[string]string{}
	var ofSources []string
	for _, k := range config.Keys() {
		if owner, taken := owners[k.Env]; taken && k.Env != "" {
			t.Errorf("%s is of %s and of %s", k.Env, owner, k.Key)
		}
		owners[k.Env] = k.Key
		if key, ok := strings.CutPrefix(k.Key, "sources.<source>."); ok && k.Env != "" {
			ofSources = append(ofSources, key)
		}
	}
	// With the keys "b_c" and "c", SOURCES_A_B_C would be b_c of the source a and c of the source a-b.
	for _, long := range ofSources {
		for _, short := range ofSources {
			if dashed := strings.NewReplacer(".", "_"); strings.HasSuffix(dashed.Replace(long), "_"+dashed.Replace(short)) {
				t.Errorf("%s ends like %s, so that a variable could be of two sources", long, short)
			}
		}
	}
}

func TestAnEmptyVariableEmptiesTextAndLeavesTheRest(t *testing.T) {
	t.Parallel()
	const yaml = `
log: {level: debug}
admin: {listen: ":9090"}
gateway: {body_limit: 1MiB, read_timeout: 5s}
sources: {green-api: {token: ` + token + `, allow: [192.0.2.1], path: /mine, token_file: nowhere}}
worker: {intake: false}
`
	cfg := mustLoad(t, yaml, config.Options{Environ: []string{
		"SLUICE_LOG_LEVEL=", "SLUICE_ADMIN_LISTEN=", "SLUICE_GATEWAY_BODY_LIMIT=", "SLUICE_GATEWAY_READ_TIMEOUT=", "SLUICE_WORKER_INTAKE=",
		"SLUICE_SOURCES_GREEN_API_ALLOW=", "SLUICE_SOURCES_GREEN_API_PATH=", "SLUICE_SOURCES_GREEN_API_TOKEN_FILE=",
	}})
	source := cfg.Sources["green-api"]
	got := []any{cfg.Admin.Listen, source.Path, cfg.Log.Level.String(), cfg.Gateway.BodyLimit, cfg.Gateway.ReadTimeout.String(), cfg.Worker.Intake, len(source.Allow)}
	want := []any{"", "/green-api/webhook", "DEBUG", config.MiB, "5s", false, 1}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestFlagsThatAreWrongAreToldByTheirNames(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ key, value, want string }{
		"an unknown key":              {"gateway.lisen", ":1", `--flag: sets "gateway.lisen", which is an unknown key`},
		"a value that can't be":       {"streams.lanes", "many", `--flag: "many" is not a whole number`},
		"a token":                     {"sources.green-api.token", token, `--flag: a secret in a flag can be read by everybody on the machine; set SLUICE_SOURCES_GREEN_API_TOKEN or a file`},
		"an address with a password":  {"nats.url", "nats://me:hunter2@host", `--flag: a secret in a flag can be read by everybody on the machine; set SLUICE_NATS_URL or a file`},
		"an address without password": {"nats.url", "nats://host", ""},
		"a path to a token":           {"sources.green-api.token_file", "nowhere", `--flag: "nowhere": no such file; create it or correct the path`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			opts := config.Options{Flags: map[string]string{test.key: test.value}, FlagNames: map[string]string{test.key: "--flag"}, AllowMissingTokens: true}
			if _, got := load(t, "", opts); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}
