package credentials_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nkeys"

	"sluice.internal/sluice/credentials"
)

func made(t *testing.T) credentials.Folder {
	t.Helper()
	return madeFor(t, "nats-1", "nats-2", "nats-3")
}

// madeFor makes the credentials of a cluster with these nodes.
func madeFor(t *testing.T, nodes ...string) credentials.Folder {
	t.Helper()
	folder := credentials.Folder{Dir: t.TempDir(), Nodes: nodes}
	if _, err := folder.Make("green-api"); err != nil {
		t.Fatal(err)
	}
	return folder
}

func content(t testing.TB, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestNATSIsToldThePublicHalfOfEveryKeyAndNoSecret(t *testing.T) {
	t.Parallel()
	folder := made(t)
	keys := content(t, folder.Keys())
	for _, role := range credentials.Roles() {
		seed := strings.TrimSpace(content(t, folder.Seed(role)))
		pair, err := nkeys.FromSeed([]byte(seed))
		if err != nil {
			t.Fatal(err)
		}
		public, err := pair.PublicKey()
		if err != nil {
			t.Fatal(err)
		}
		if want := "SLUICE_" + strings.ToUpper(role) + `: "` + public + `"`; !strings.Contains(keys, want) {
			t.Errorf("no %s in\n%s", want, keys)
		}
		if strings.Contains(keys, seed) {
			t.Errorf("the seed of %s is in the file for NATS", role)
		}
	}
}

func TestMakingAgainChangesNothing(t *testing.T) {
	t.Parallel()
	folder := made(t)
	before := content(t, folder.Keys()) + content(t, folder.Token("green-api")) + content(t, folder.Routes())
	files, err := folder.Make("green-api")
	if err != nil || len(files) != 0 {
		t.Errorf("made %v, error %v", files, err)
	}
	if content(t, folder.Keys())+content(t, folder.Token("green-api"))+content(t, folder.Routes()) != before {
		t.Error("made again")
	}
}

func TestSecretsAreForTheirOwnerAlone(t *testing.T) {
	t.Parallel()
	folder := made(t)
	err := filepath.WalkDir(folder.Dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || path == folder.Dir || slices.Contains([]string{folder.Keys(), folder.Accounts(), folder.Imports()}, path) {
			return err
		}
		info, err := entry.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %s", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestTokensOverlapUntilTheOldOneIsRetired(t *testing.T) {
	t.Parallel()
	folder := made(t)
	old, err := folder.Newest("green-api")
	if err != nil {
		t.Fatal(err)
	}
	added, err := folder.Add("green-api")
	if err != nil {
		t.Fatal(err)
	}
	if got := content(t, folder.Token("green-api")); got != old+"\n"+added+"\n" {
		t.Errorf("both are to be valid, there is %q", got)
	}
	if newest, err := folder.Newest("green-api"); err != nil || newest != added {
		t.Errorf("newest %q, error %v", newest, err)
	}
	retired, err := folder.Retire("green-api")
	if got := content(t, folder.Token("green-api")); err != nil || retired != 1 || got != added+"\n" {
		t.Errorf("retired %d, error %v, there is %q", retired, err, got)
	}
}

func TestBrokenKeyIsNamedAndKept(t *testing.T) {
	t.Parallel()
	folder := made(t)
	seed := folder.Seed(credentials.Worker)
	if err := os.Chmod(seed, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(seed, []byte("broken"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := folder.Make("green-api"); err == nil || !strings.Contains(err.Error(), seed) {
		t.Errorf("error %v", err)
	}
	if content(t, seed) != "broken" {
		t.Error("the file was changed")
	}
}

func TestSourceWithoutTokensIsNamed(t *testing.T) {
	t.Parallel()
	folder := made(t)
	if _, err := folder.Add("acme"); err == nil || !strings.Contains(err.Error(), "acme") {
		t.Errorf("error %v", err)
	}
}

func TestMovedNodesKeepTheirSecret(t *testing.T) {
	t.Parallel()
	folder := made(t)
	_, after, _ := strings.Cut(content(t, folder.Routes()), `password: "`)
	password, _, _ := strings.Cut(after, `"`)
	folder.Nodes = []string{"a.example.com", "b.example.com:7222"}
	if files, err := folder.Make("green-api"); err != nil || len(files) != 0 {
		t.Fatalf("made %v, error %v", files, err)
	}
	want := `routes: ["nats://node:` + password + `@a.example.com:6222", "nats://node:` + password + `@b.example.com:7222"]`
	if got := content(t, folder.Routes()); len(password) < 26 || !strings.Contains(got, want) {
		t.Errorf("no %s in\n%s", want, got)
	}
}

func TestSecretOfTheNodesIsNotOverwrittenWhenItCanNotBeRead(t *testing.T) {
	t.Parallel()
	folder := made(t)
	if err := errors.Join(os.Chmod(folder.Routes(), 0o600), os.WriteFile(folder.Routes(), []byte("broken"), 0o600)); err != nil {
		t.Fatal(err)
	}
	if _, err := folder.Make("green-api"); err == nil || !strings.Contains(err.Error(), folder.Routes()) {
		t.Errorf("error %v", err)
	}
}
