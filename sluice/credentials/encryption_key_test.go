package credentials_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sluice.internal/sluice/credentials"
)

func TestKeyIsPrivateAndNeverReplaced(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "sluice.key")
	if err := credentials.MakeEncryptionKey(path); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(path)
	if err != nil || len(before) < 50 {
		t.Errorf("key of %d bytes, error %v", len(before), err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, error %v", info.Mode(), err)
	}
	if err := credentials.MakeEncryptionKey(path); err == nil || !strings.Contains(err.Error(), "must not be replaced") {
		t.Errorf("error %v", err)
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, before) {
		t.Errorf("the key was replaced, error %v", err)
	}
}
