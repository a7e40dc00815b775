package config_test

import (
	"net/netip"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"sluice.internal/shared/config"
)

// revealed returns the texts of all tokens and secrets of the source.
func revealed(source config.Source) []string {
	var texts []string
	for _, one := range source.Credentials() {
		texts = append(texts, one.Secret.Reveal())
	}
	return texts
}

func TestASourceIsCompleteOnceItIsLoaded(t *testing.T) {
	t.Parallel()
	const yaml = `
sources:
  shop-1:
    provider: green-api
    path: incoming/shop/
    token: ` + token + `
    allow: [green-api, "2001:db8::/32", 192.0.2.7]
    publish_deadline: 4s
  stripe: {auth: none}
`
	cfg := mustLoad(t, yaml, config.Options{})
	want := map[string]config.Source{
		"shop-1": {
			Name: "shop-1", Provider: "green-api", Path: "/incoming/shop", Auth: config.AuthToken, Mode: config.ModeObserve, Token: config.NewSecret(token),
			Allow: []string{"green-api", "2001:db8::/32", "192.0.2.7"}, PublishDeadline: 4 * time.Second,
		},
		"stripe": {Name: "stripe", Provider: "stripe", Path: "/stripe/webhook", Auth: config.AuthNone, Mode: config.ModeObserve, PublishDeadline: 4 * time.Second},
	}
	if !reflect.DeepEqual(cfg.Sources, want) {
		t.Errorf("got  %+v\nwant %+v", cfg.Sources, want)
	}
	prefixes, lists := cfg.Sources["shop-1"].Allowed()
	if !slices.Equal(prefixes, []netip.Prefix{netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("192.0.2.7/32")}) ||
		!slices.Equal(lists, []string{"green-api"}) {
		t.Errorf("allowed are %v and %q", prefixes, lists)
	}
}

func TestAVariableForGreenAPIAddsTheSource(t *testing.T) {
	t.Parallel()
	opts := config.Options{Environ: []string{"SLUICE_SOURCES_GREEN_API_TOKEN=" + token}}
	cfg := mustLoad(t, "sources: {stripe: {auth: none}}\n", opts)
	if len(cfg.Sources) != 2 || len(cfg.Sources["green-api"].Credentials()) != 1 {
		t.Errorf("got %+v", cfg.Sources)
	}
}

func TestTokensOfAllPlacesAreValidAtOnceAndEachIsKeptOnce(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string]string{
		"old":   "\ufeff# until the end of the month\r\n\r\n  old-0123456789abcdef \t\r\n#old-too\n",
		"new":   "new-0123456789abcdef\nnewer-0123456789abcdef",
		"third": "third#0123456789abcdef\nold-0123456789abcdef\n",
		"sluice.yaml": `
sources:
  green-api:
    token: of-the-file-0123456789
    tokens: [01234567890123456789, of-the-file-0123456789]
    token_file: old
    token_files: [new, ` + "third" + `]
`,
	})
	cfg, err := config.Load(config.Options{
		File: filepath.Join(dir, "sluice.yaml"), Providers: providers(),
		Environ: []string{"SLUICE_SOURCES_GREEN_API_TOKEN=of-the-variable-01234 "},
	})
	if err != nil {
		t.Fatal(err)
	}
	got := revealed(cfg.Sources["green-api"])
	want := []string{
		"of-the-variable-01234", "01234567890123456789", "of-the-file-0123456789", "old-0123456789abcdef",
		"new-0123456789abcdef", "newer-0123456789abcdef", "third#0123456789abcdef",
	}
	if !slices.Equal(got, want) || len(cfg.Warnings) > 0 {
		t.Errorf("got  %q\nwant %q\nwarnings %q", got, want, cfg.Warnings)
	}
}

func TestPathsInVariablesStartAtTheWorkingDirectory(t *testing.T) {
	t.Chdir(folder(t, map[string]string{"here": token, "password": " hunter2\n"}))
	cfg := mustLoad(t, "", config.Options{Environ: []string{
		"SLUICE_SOURCES_GREEN_API_TOKEN_FILES=./here", "SLUICE_NATS_PASSWORD_FILE=password", "SLUICE_NATS_USER=me",
	}})
	if got := revealed(cfg.Sources["green-api"]); !slices.Equal(got, []string{token}) {
		t.Errorf("tokens are %q", got)
	}
	if cfg.NATS.PasswordFile != "password" || cfg.NATS.Password.Reveal() != "hunter2" {
		t.Errorf("got the password %q from %q", cfg.NATS.Password.Reveal(), cfg.NATS.PasswordFile)
	}
}

func TestFilesOfNATSInTheFileStartAtItsFolder(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string]string{"ca.pem": "", "password": "hunter2", "sluice.yaml": with + "nats: {user: me, password_file: ./password, tls: {ca_file: ca.pem}}\n"})
	cfg, err := config.Load(config.Options{File: filepath.Join(dir, "sluice.yaml"), Providers: providers()})
	if err != nil {
		t.Fatal(err)
	}
	if cfg.NATS.TLS.CAFile != filepath.Join(dir, "ca.pem") || cfg.NATS.Password.Reveal() != "hunter2" {
		t.Errorf("got %+v", cfg.NATS)
	}
}

func TestAShortTokenIsAWarning(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string]string{"short": "short\n", "sluice.yaml": "sources:\n  green-api:\n    token: short\n    token_file: short\n"})
	cfg, err := config.Load(config.Options{File: filepath.Join(dir, "sluice.yaml"), Providers: providers()})
	if err != nil {
		t.Fatal(err)
	}
	got := strings.ReplaceAll(strings.Join(cfg.Warnings, "\n"), dir+string(filepath.Separator), "")
	want := "sluice.yaml:3: sources.green-api.token: the token is shorter than 16 characters and could be guessed\n" +
		`sluice.yaml:4: sources.green-api.token_file: a token in "short" is shorter than 16 characters and could be guessed`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestACallerMayDoWithoutTokens(t *testing.T) {
	t.Parallel()
	const missing = "sources: {green-api: {}}\n"
	for name, test := range map[string]struct {
		yaml string
		opts config.Options
	}{
		"one that creates them":                  {missing, config.Options{AllowMissingTokens: true}},
		"one that takes nothing in":              {missing, config.Options{WithoutTokens: true}},
		"one that can't read the gateway's file": {"sources: {green-api: {token_file: secret}}\n", config.Options{WithoutTokens: true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := mustLoad(t, test.yaml, test.opts).Sources["green-api"]; got.Auth != config.AuthToken || got.Credentials() != nil {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestACallerThatKnowsNoProvidersLeavesThemUnjudged(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string]string{"sluice.yaml": "sources:\n  a: {provider: anything, allow: [any-list]}\n  b: {path: b}\n"})
	cfg, err := config.Load(config.Options{File: filepath.Join(dir, "sluice.yaml"), WithoutTokens: true})
	if err != nil {
		t.Fatal(err)
	}
	if a, b := cfg.Sources["a"], cfg.Sources["b"]; a.Path != "" || a.PublishDeadline != 0 || a.Allow[0] != "any-list" || b.Path != "/b" {
		t.Errorf("got %+v", cfg.Sources)
	}
}

func TestWhatIsWrongWithASourceIsTold(t *testing.T) {
	t.Parallel()
	const has = "token: " + token
	for name, test := range map[string]struct{ yaml, want string }{
		"no token": {
			"sources:\n  green-api:\n",
			"sluice.yaml:2: sources.green-api: has no token; set SLUICE_SOURCES_GREEN_API_TOKEN or token_file, or auth: none to believe anybody",
		},
		"no token of a source that is written nowhere": {
			"", "sources.green-api: has no token; set SLUICE_SOURCES_GREEN_API_TOKEN or token_file, or auth: none to believe anybody",
		},
		"no tokens in the list": {
			"sources: {green-api: {tokens: []}}\n",
			"sluice.yaml:1: sources.green-api: has no token; set SLUICE_SOURCES_GREEN_API_TOKEN or token_file, or auth: none to believe anybody",
		},
		"an empty token": {
			"sources: {green-api: {token: ' '}}\n", "sluice.yaml:1: sources.green-api.token: the token is empty",
		},
		"an empty token in a list": {
			"sources:\n  green-api:\n    tokens:\n    - " + token + "\n    -\n", "sluice.yaml:5: sources.green-api.tokens: the token is empty",
		},
		"a token of a source without": {
			"sources:\n  green-api:\n    auth: none\n    token: abc\n",
			"sluice.yaml:4: sources.green-api.token: sets a token, but auth is none (sluice.yaml:3); remove one of them",
		},
		"a file of tokens of a source without": {
			"sources: {green-api: {auth: none, token_file: nowhere}}\n",
			"sluice.yaml:1: sources.green-api.token_file: sets a token, but auth is none (sluice.yaml:1); remove one of them",
		},
		"a file of tokens that is not there": {
			"sources: {green-api: {token_file: nowhere}}\n",
			`sluice.yaml:1: sources.green-api.token_file: "nowhere": no such file; create it or correct the path`,
		},
		"a file of tokens without any": {
			"# sluice\n#\nsources: {green-api: {token_file: empty}}\n",
			`sluice.yaml:3: sources.green-api.token_file: "empty": has no token in it; write one a line`,
		},
		"a folder instead of a file of tokens": {
			"sources: {green-api: {token_file: .}}\n", `sluice.yaml:1: sources.green-api.token_file: ".": is a directory`,
		},
		"a file that is too long": {
			"sources: {green-api: {token_file: /dev/zero}}\n",
			`sluice.yaml:1: sources.green-api.token_file: "/dev/zero": is too long for a file of tokens, one a line`,
		},
		"an unknown way to authenticate": {
			"sources: {green-api: {auth: digest}}\n", `sluice.yaml:1: sources.green-api.auth: "digest" is not one of token, basic, header, path, query, body, signature, certificate, none`,
		},
		"a way to authenticate that the provider has not": {
			"sources: {green-api: {auth: path, token: " + token + "}}\n",
			`sluice.yaml:1: sources.green-api.auth: "path" is not what senders of provider "green-api" can do; choose one of token, none, certificate`,
		},
		"a name with capitals": {
			"sources: {Shop: {" + has + "}}\n", "sluice.yaml:1: sources.Shop: is no name for a source; use a-z, 0-9 and -, at most 32 of them",
		},
		"a name with a dot": {
			"sources: {my.shop: {token: abc}}\n", "sluice.yaml:1: sources.my.shop: is no name for a source; use a-z, 0-9 and -, at most 32 of them",
		},
		"an unknown provider": {
			"sources:\n  shop:\n    provider: gren-api\n    " + has + "\n",
			`sluice.yaml:3: sources.shop.provider: unknown provider "gren-api"; did you mean "green-api"?`,
		},
		"a name that is no provider": {
			"sources: {shop: {" + has + "}}\n", `sluice.yaml:1: sources.shop.provider: unknown provider "shop"; known are green-api, stripe`,
		},
		"a list that the provider has not": {
			"sources: {stripe: {allow: [green-api], " + has + "}}\n",
			`sluice.yaml:1: sources.stripe.allow: "green-api" is neither an address nor a CIDR; write for example 192.0.2.7 or 192.0.2.0/24`,
		},
		"a path that is written twice": {
			"sources:\n  green-api: {" + has + "}\n  shop:\n    provider: green-api\n    path: green-api/webhook\n    " + has + "\n",
			`sluice.yaml:5: sources.shop.path: "/green-api/webhook" is taken by sources.green-api (sluice.yaml:2); give each source a path of its own`,
		},
		"a path of the gateway's": {
			"sources: {green-api: {path: healthz/, " + has + "}}\n", `sluice.yaml:1: sources.green-api.path: "/healthz" is the gateway's own; choose another`,
		},
		"a path with a parameter": {
			"sources: {green-api: {path: /a/:id, " + has + "}}\n", `sluice.yaml:1: sources.green-api.path: "/a/:id" is not a path; write for example /green-api/webhook`,
		},
		"a path that climbs": {
			"sources: {green-api: {path: /a/../b, " + has + "}}\n", `sluice.yaml:1: sources.green-api.path: "/a/../b" is not a path; write for example /green-api/webhook`,
		},
		"a path of nothing": {
			"sources: {green-api: {path: /, " + has + "}}\n", `sluice.yaml:1: sources.green-api.path: "/" is not a path; write for example /green-api/webhook`,
		},
		"a deadline that is none": {
			"sources: {green-api: {publish_deadline: 0s, " + has + "}}\n", `sluice.yaml:1: sources.green-api.publish_deadline: 0s is less than the minimum, 1ms`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := folder(t, map[string]string{"sluice.yaml": test.yaml, "empty": "# none yet\n\n"})
			_, err := config.Load(config.Options{File: filepath.Join(dir, "sluice.yaml"), Providers: providers()})
			if err == nil {
				t.Fatal("no fault")
			}
			got := strings.ReplaceAll(strings.ReplaceAll(err.Error(), dir+"/", ""), dir, ".")
			if got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestAnEmptyTokenInAVariableIsAFault(t *testing.T) {
	t.Parallel()
	_, got := load(t, "", config.Options{Environ: []string{"SLUICE_SOURCES_GREEN_API_TOKEN="}, AllowMissingTokens: true})
	if want := "SLUICE_SOURCES_GREEN_API_TOKEN: the token is empty"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
