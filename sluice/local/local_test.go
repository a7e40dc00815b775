package local_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sluice.internal/sluice/local"
)

func open(t *testing.T, dir string) *local.Folder {
	t.Helper()
	folder, err := local.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := folder.Close(); err != nil {
			t.Error(err)
		}
	})
	return folder
}

func TestSecretIsMadeOnceAndForTheOwnerOnly(t *testing.T) {
	t.Parallel()
	folder := open(t, filepath.Join(t.TempDir(), "deep", "data"))
	first, made, err := folder.Secret("a.token")
	if err != nil || !made || len(first) < 20 {
		t.Fatalf("secret of %d characters, made: %t, %v", len(first), made, err)
	}
	second, made, err := folder.Secret("a.token")
	if err != nil || made || second != first {
		t.Errorf("another secret: %t, made: %t, %v", second != first, made, err)
	}
	for _, path := range []string{folder.Path("a.token"), folder.Path(".")} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: mode %o, %v", path, info.Mode(), err)
		}
	}
}

// TestNoLinkIsFollowedOutOfTheFolder plants links under every name that is written, as somebody could who once had
// access to the folder.
func TestNoLinkIsFollowedOutOfTheFolder(t *testing.T) {
	t.Parallel()
	dir, target := t.TempDir(), filepath.Join(t.TempDir(), "target")
	if err := os.WriteFile(target, []byte("untouched"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"local.json.new", "a.token.new", "local.json", "stolen.token"} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	folder := open(t, dir)
	if err := folder.Describe(local.Description{NATSPassword: "secret"}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := folder.Secret("a.token"); err != nil {
		t.Fatal(err)
	}
	if secret, _, err := folder.Secret("stolen.token"); err == nil {
		t.Errorf("the secret is %q", secret)
	}
	if content, err := os.ReadFile(target); err != nil || string(content) != "untouched" {
		t.Errorf("the link's target is %q, %v", content, err)
	}
	if description, err := local.Read(dir); err != nil || description.NATSPassword != "secret" {
		t.Errorf("description %+v, %v", description, err)
	}
}

func TestLinkInPlaceOfTheLockIsRefused(t *testing.T) {
	t.Parallel()
	dir, target := t.TempDir(), filepath.Join(t.TempDir(), "target")
	if err := os.Symlink(target, filepath.Join(dir, "lock")); err != nil {
		t.Fatal(err)
	}
	if _, err := local.Open(dir); err == nil || !strings.Contains(err.Error(), "is no regular file; remove it") {
		t.Errorf("error %v", err)
	}
	if _, err := os.Lstat(target); err == nil {
		t.Error("the link's target was made")
	}
}

func TestFolderThatOthersCanWriteIntoIsRefused(t *testing.T) {
	t.Parallel()
	for _, mode := range []os.FileMode{0o777, 0o707} {
		dir := t.TempDir()
		if err := open(t, dir).Describe(local.Description{}); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(dir, mode); err != nil {
			t.Fatal(err)
		}
		_, opened := local.Open(dir)
		_, read := local.Read(dir)
		for _, err := range []error{opened, read} {
			if err == nil || !strings.Contains(err.Error(), "chmod go-w") {
				t.Errorf("mode %o: %v", mode, err)
			}
		}
	}
}

func TestFolderOfSomebodyElseIsBelievedOnlyWhenItIsNamed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := open(t, dir).Describe(local.Description{NATSUser: "somebody"}); err != nil {
		t.Fatal(err)
	}
	if description, err := local.ReadOwn(dir); err != nil || description.NATSUser != "somebody" {
		t.Errorf("one's own: %+v, %v", description, err)
	}
	if os.Chown(dir, 4711, -1) != nil {
		return // Only the superuser can give a folder away.
	}
	if _, err := local.ReadOwn(dir); err == nil || !strings.Contains(err.Error(), "belongs to another user") {
		t.Errorf("not named: %v", err)
	}
	if description, err := local.Read(dir); err != nil || description.NATSUser != "somebody" {
		t.Errorf("named: %+v, %v", description, err)
	}
	if _, err := local.Open(dir); err == nil || !strings.Contains(err.Error(), "belongs to another user") {
		t.Errorf("opened: %v", err)
	}
}
