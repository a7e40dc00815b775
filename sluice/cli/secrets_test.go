package cli_test

import (
	"path/filepath"
	"strings"
	"testing"

	"sluice.internal/sluice/local"
)

func TestSecretsAreMadeOnceShownAddedAndRetired(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "secrets")
	first := run(t, "secrets", "make", dir)
	if first.code != 0 || !strings.Contains(first.stdout, filepath.Join(dir, "gateway", "green-api.token")) {
		t.Fatalf("got %+v", first)
	}
	run(t, "secrets", "make", dir).want(t, result{
		stdout: dir + " is complete; for a call to try it: sluice secrets show " + dir + "\n",
	})
	old := shownToken(t, dir)
	added := strings.TrimSpace(run(t, "secrets", "add", dir).stdout)
	if added == "" || shownToken(t, dir) != added || added == old {
		t.Errorf("added %q, was %q, shown %q", added, old, shownToken(t, dir))
	}
	run(t, "secrets", "retire", dir).want(t, result{stdout: "1 token retired\n"})
	run(t, "secrets", "retire", dir).want(t, result{
		code: 1, stderr: "sluice: there is one token only; add another one first\n",
	})
}

func shownToken(t *testing.T, dir string) string {
	t.Helper()
	shown := run(t, "secrets", "show", dir, "--url", "https://webhooks.example.com/").stdout
	if !strings.HasPrefix(shown, "curl -i https://webhooks.example.com/green-api/webhook/ ") {
		t.Errorf("shown %q", shown)
	}
	_, token, _ := strings.Cut(shown, "Bearer ")
	token, _, _ = strings.Cut(token, "'")
	return token
}

func TestSecretsOfAFolderWithoutAnySayWhere(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	got := run(t, "secrets", "show", dir)
	if got.code != 1 || !strings.Contains(got.stderr, filepath.Join(dir, "gateway", "green-api.token")) {
		t.Errorf("got %+v", got)
	}
}

func TestAllowlistIsPrintedForNginx(t *testing.T) {
	t.Parallel()
	plain := run(t, "config", "allowlist", "green-api")
	if plain.code != 0 || !strings.Contains(plain.stdout, "\n51.250.12.167\n") {
		t.Errorf("got %+v", plain)
	}
	nginx := run(t, "config", "allowlist", "green-api", "--nginx")
	lines := strings.Split(strings.TrimSpace(nginx.stdout), "\n")
	if nginx.code != 0 || !strings.HasPrefix(lines[0], "# green-api, as published on ") || lines[1] != "allow 46.101.109.139;" ||
		lines[len(lines)-1] != "deny all;" || len(lines) != strings.Count(plain.stdout, "\n")+2 {
		t.Errorf("got %+v", nginx)
	}
	if got := run(t, "config", "allowlist", "nowhere"); got.code != 1 || !strings.Contains(got.stderr, `"nowhere"; there is `) {
		t.Errorf("got %+v", got)
	}
}

func TestTokenThatSluiceUpMadeIsShownWhenItIsAskedFor(t *testing.T) {
	t.Parallel()
	dir := dataFolder(t, local.Description{GatewayURL: "http://127.0.0.1:8080", Sources: map[string]local.Source{
		"green-api": {Path: "/green-api/webhook", Auth: "token", TokenFile: "green-api.token"},
		"github":    {Path: "/github/webhook", Auth: "signature", TokenFile: "github.token"},
		"sms-by":    {Path: "/sms-by/webhook", Auth: "path", TokenFile: "sms-by.token"},
		"open":      {Path: "/open", Auth: "none"},
	}})
	for _, name := range []string{"green-api", "github", "sms-by"} {
		writeToken(t, dir, name+".token", "secret-of-"+name)
	}
	show := []string{"secrets", "show", "--data", dir, "--source"}
	if got := run(t, append(show, "green-api")...); !strings.HasPrefix(got.stdout, "curl -i http://127.0.0.1:8080/green-api/webhook/ \\\n") ||
		!strings.Contains(got.stdout, "-H 'Authorization: Bearer secret-of-green-api'") {
		t.Errorf("%+v", got)
	}
	run(t, append(show, "github")...).want(t, result{stdout: "secret-of-github\n"})
	run(t, append(show, "sms-by")...).want(t, result{stdout: "http://127.0.0.1:8080/sms-by/webhook/secret-of-sms-by\n"})
	run(t, append(show, "open")...).fails(t, 1, `source "open" has no token that was made`)
	run(t, append(show, "other")...).fails(t, 1, `has no source "other"; it has github, green-api, open, sms-by`)
}

func TestEncryptionKeyIsMadeOnceAndNotPrinted(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "data.key")
	run(t, "secrets", "encryption-key", file).want(t, result{
		stdout: "made " + file + "; keep a copy at a safe place: without it nobody can read what is stored\n",
	})
	run(t, "secrets", "encryption-key", file).want(t, result{
		code:   1,
		stderr: `sluice: make encryption key: there is a file "` + file + `"; a key that is in use must not be replaced` + "\n",
	})
}
