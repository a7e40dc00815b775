package local_test

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"sluice.internal/sluice/local"
)

func TestFolderIsForOneProcessAtATime(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "new", "data")
	if owner := local.Owner(dir); owner != 0 {
		t.Errorf("a folder that is not there belongs to process %d", owner)
	}
	first, err := local.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if owner := local.Owner(dir); owner != os.Getpid() {
		t.Errorf("it belongs to process %d", owner)
	}
	_, err = local.Open(dir)
	if err == nil || !strings.Contains(err.Error(), "is in use by process "+strconv.Itoa(os.Getpid())+"; stop it") {
		t.Errorf("a second one got the error %v", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, dir)
}

func TestFolderInUseNamesNobodyWhereNobodyIsKnown(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	open(t, dir)
	if err := os.WriteFile(filepath.Join(dir, "lock"), []byte("not a number"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := local.Open(dir); err == nil || !strings.Contains(err.Error(), "is in use by another process") {
		t.Errorf("error %v", err)
	}
}

func TestFolderThatCanNotBeMadeIsNamedWithTheRemedy(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{file, filepath.Join(file, "data")} {
		if _, err := local.Open(dir); err == nil || !strings.Contains(err.Error(), file) || !strings.Contains(err.Error(), "--data") {
			t.Errorf("error %v", err)
		}
	}
}

func TestSecretThatIsWrittenByHandIsTaken(t *testing.T) {
	t.Parallel()
	folder := open(t, t.TempDir())
	if err := os.WriteFile(folder.Path("token"), []byte("  by-hand\n\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, made, err := folder.Secret("token"); err != nil || made || got != "by-hand" {
		t.Errorf("got %q, made: %t, error %v", got, made, err)
	}
}

func TestSecretThatCanNotBeReadOrWrittenIsAnError(t *testing.T) {
	t.Parallel()
	folder := open(t, t.TempDir())
	if err := os.WriteFile(folder.Path("empty"), []byte(" \n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(folder.Path("a-folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"empty":                "is empty; remove it to have a new secret made",
		"a-folder":             "read secret in",
		"no-such-folder/token": "write",
	} {
		if secret, _, err := folder.Secret(name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %q, error %v", name, secret, err)
		}
	}
}

func TestDescriptionIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := local.Read(dir); !errors.Is(err, local.ErrNotThere) || !strings.Contains(err.Error(), dir) {
		t.Errorf("a folder that nothing has run with: error %v", err)
	}
	folder := open(t, dir)
	want := local.Description{
		NATSURL: "nats://127.0.0.1:4222", NATSUser: "sluice", NATSPassword: "secret", GatewayURL: "http://127.0.0.1:8080",
		Sources: map[string]local.Source{
			"green-api": {Path: "/green-api/webhook", Provider: "green-api", Auth: "token", TokenFile: folder.Path("green-api.token")},
			"open":      {Path: "/open", Provider: "generic", Auth: "none"},
		},
	}
	for range 2 { // The second one replaces the first.
		if err := folder.Describe(want); err != nil {
			t.Fatal(err)
		}
	}
	got, err := local.Read(dir)
	if err != nil || !reflect.DeepEqual(got.Sources, want.Sources) || got.NATSURL != want.NATSURL || got.NATSUser != want.NATSUser ||
		got.NATSPassword != want.NATSPassword || got.GatewayURL != want.GatewayURL {
		t.Errorf("got %+v, error %v", got, err)
	}
	info, err := os.Stat(folder.Path("local.json"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("its file, which has a password in it, is %v, error %v", info, err)
	}
}

func TestTokenOfASourceIsTheFirstOfItsFileInTheFolder(t *testing.T) {
	t.Parallel()
	dir, outside := t.TempDir(), filepath.Join(t.TempDir(), "outside")
	folder := open(t, dir)
	for path, content := range map[string]string{
		folder.Path("listed"): "\ufeff# the first is the newest\n\n  first \nsecond\n", folder.Path("empty"): "# none\n",
		folder.Path("long"): strings.Repeat("x", 100_000), outside: "somebody-elses",
	} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := folder.Describe(local.Description{Sources: map[string]local.Source{
		"listed": {TokenFile: folder.Path("listed")}, "relative": {TokenFile: "listed"}, "none": {}, "empty": {TokenFile: "empty"},
		"long": {TokenFile: "long"}, "gone": {TokenFile: "gone"}, "folder": {TokenFile: "."}, "outside": {TokenFile: outside},
	}}); err != nil {
		t.Fatal(err)
	}
	description, err := local.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	for source, want := range map[string]string{"listed": "first", "relative": "first", "none": "", "unknown": ""} {
		if token, err := description.Token(source); err != nil || token != want {
			t.Errorf("%s: token %q, error %v", source, token, err)
		}
	}
	for source, want := range map[string]string{
		"empty": "has none in it", "long": "has none in it", "gone": "no such file", "folder": "is no regular file",
		"outside": "is not in the data folder",
	} {
		if token, err := description.Token(source); token != "" || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: token %q, error %v", source, token, err)
		}
	}
}

func TestDescriptionThatIsNoneIsAnError(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(path string) error{
		"no JSON":  func(path string) error { return os.WriteFile(path, []byte("{"), 0o600) },
		"a folder": func(path string) error { return os.Mkdir(path, 0o700) },
	} {
		dir := t.TempDir()
		if err := prepare(filepath.Join(dir, "local.json")); err != nil {
			t.Fatal(err)
		}
		if _, err := local.Read(dir); err == nil || errors.Is(err, local.ErrNotThere) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}
