package cli_test

import (
	"path/filepath"
	"strings"
	"testing"
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
