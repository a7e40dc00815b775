package config_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sluice.internal/shared/config"
)

func TestSecretsComeFromThreePlacesEachWithItsTime(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string]string{"secret": "\ufeff secret-of-a-file-01234 \n", "sluice.yaml": `
sources:
  green-api:
    token: first-token-0123456789
    secrets:
      - {secret: written-here-0123456789, until: 2026-12-31}
      - secret_file: secret
        from: 2026-12-30T18:00:00+03:00
      - env: SLUICE_GREEN_API_SECRET
      - &again {env: OTHER}
      - *again
`})
	cfg, err := config.Load(config.Options{
		File: filepath.Join(dir, "sluice.yaml"), Providers: providers(),
		Environ: []string{"SLUICE_GREEN_API_SECRET=of-a-variable-0123456789", "OTHER=of-another-0123456789"},
	})
	if err != nil {
		t.Fatal(err)
	}
	day := func(day, hour int) time.Time { return time.Date(2026, time.December, day, hour, 0, 0, 0, time.UTC) }
	want := []config.Credential{
		{Secret: config.NewSecret("first-token-0123456789")},
		{Secret: config.NewSecret("written-here-0123456789"), Until: day(31, 0)},
		{Secret: config.NewSecret("secret-of-a-file-01234"), From: day(30, 15)},
		{Secret: config.NewSecret("of-a-variable-0123456789")},
		{Secret: config.NewSecret("of-another-0123456789")},
		{Secret: config.NewSecret("of-another-0123456789")},
	}
	got := cfg.Sources["green-api"].Credentials()
	if len(got) != len(want) {
		t.Fatalf("got %d secrets, want %d", len(got), len(want))
	}
	for i := range want {
		if got[i].Secret != want[i].Secret || got[i].From != want[i].From || got[i].Until != want[i].Until {
			t.Errorf("secret %d is %q from %s until %s", i, got[i].Secret.Reveal(), got[i].From, got[i].Until)
		}
	}
}

func TestWhatIsWrongWithSecretsIsToldAtOnceAndNotRepeated(t *testing.T) {
	t.Parallel()
	const yaml = `sources:
  green-api:
    secrets:
      - {secret: hunter2hunter2hunter2, env: NOWHERE}
      - {}
      - {secret_file: nowhere}
      - {secret_file: two}
      - {env: UNSET}
      - {secret: "hunter2hunter2hunter2", until: soon}
      - {secret: "hunter2hunter2hunter2", from: 2026-02-01, until: 2026-01-01}
      - {secrt: hunter2hunter2hunter2}
      - hunter2
  shop: {provider: stripe, secrets: {secret: hunter2}}
  bank: {provider: stripe, path: b, auth: none, secrets: [{secret: hunter2hunter2hunter2}]}
`
	dir := folder(t, map[string]string{"sluice.yaml": yaml, "two": "a\nb\n"})
	_, err := config.Load(config.Options{File: filepath.Join(dir, "sluice.yaml"), Providers: providers()})
	if err == nil {
		t.Fatal("no fault")
	}
	got := strings.ReplaceAll(err.Error(), dir+"/", "")
	want := `sluice.yaml:4: sources.green-api.secrets[0].env: can't be set together with sources.green-api.secrets[0].secret (sluice.yaml:4)
sluice.yaml:5: sources.green-api.secrets[1]: has no secret; write secret_file, env or secret
sluice.yaml:6: sources.green-api.secrets[2].secret_file: "nowhere": no such file; create it or correct the path
sluice.yaml:7: sources.green-api.secrets[3]: the secret in "two" has several lines; write one secret a file
sluice.yaml:8: sources.green-api.secrets[4]: the variable UNSET is empty
sluice.yaml:9: sources.green-api.secrets[5].until: "soon" is not a time; write for example 2026-12-31T18:00:00Z or 2026-12-31
sluice.yaml:10: sources.green-api.secrets[6].until: is not after from (sluice.yaml:10), so that the secret is never valid
sluice.yaml:11: sources.green-api.secrets[7]: has no secret; write secret_file, env or secret
sluice.yaml:11: sources.green-api.secrets[7].secrt: unknown key; did you mean "secret"?
sluice.yaml:12: sources.green-api.secrets[8]: must be a mapping of keys to values
sluice.yaml:12: sources.green-api.secrets[8]: has no secret; write secret_file, env or secret
sluice.yaml:13: sources.shop: has no token; set SLUICE_SOURCES_SHOP_TOKEN or token_file, or auth: none to believe anybody
sluice.yaml:13: sources.shop.secrets: must be a list of mappings, each with a - in front
sluice.yaml:14: sources.bank.secrets: sets a token, but auth is none (sluice.yaml:14); remove one of them`
	got = strings.ReplaceAll(got, `"`+dir, `"`)
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if strings.Contains(got, "hunter2") {
		t.Error("a secret is told")
	}
}

func TestProcessThatTakesNothingInReadsNoSecrets(t *testing.T) {
	t.Parallel()
	const yaml = "sources: {green-api: {secrets: [{secret_file: nowhere}, {env: UNSET}], mode: observe}}\n"
	cfg := mustLoad(t, yaml, config.Options{WithoutTokens: true})
	if got := cfg.Sources["green-api"]; len(got.Credentials()) > 0 || got.Mode != config.ModeObserve {
		t.Errorf("got %+v", got)
	}
}

func TestProvidersOwnChecksArePartOfTheFaults(t *testing.T) {
	t.Parallel()
	known := providers()
	strict := known["stripe"]
	strict.Auth, strict.GivesSecret = config.AuthSignature, true
	strict.Check = func(source config.Source) []config.SourceFault {
		return []config.SourceFault{{Key: "signature.hash", Message: "is not " + source.Signature.Hash}}
	}
	known["stripe"] = strict
	const yaml = "sources:\n  stripe:\n    signature:\n      hash: sha1\n  green-api: {auth: certificate}\n"
	_, got := load(t, yaml, config.Options{Providers: known, AllowMissingTokens: true})
	want := `sluice.yaml:2: sources.stripe: has no secret; set SLUICE_SOURCES_STRIPE_TOKEN_FILE or secrets, or auth: none to believe anybody
sluice.yaml:4: sources.stripe.signature.hash: is not sha1
sluice.yaml:5: sources.green-api.auth: needs gateway.tls.client_ca_file: without it no client's certificate is believed
sluice.yaml:5: sources.green-api.certificates: is missing: name the certificates that may send`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestFolderOfSchemasIsAFolderAndTLSIsWhole(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string]string{"file": "x", "sluice.yaml": with + "schemas_dir: file\ngateway: {tls: {cert_file: file}}\n"})
	_, err := config.Load(config.Options{File: filepath.Join(dir, "sluice.yaml"), Providers: providers()})
	var faults config.Faults
	if !errors.As(err, &faults) || len(faults) != 2 || !strings.Contains(faults[0].Message, "must be a folder") ||
		!strings.Contains(faults[1].Message, "needs gateway.tls.key_file") {
		t.Errorf("got %v", err)
	}
}
