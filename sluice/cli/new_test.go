package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestNewModuleIsWrittenAndWhatToDoNextIsSaid(t *testing.T) {
	t.Parallel()
	folder, checkout := filepath.Join(t.TempDir(), "shop"), filepath.Join("..", "..")
	got := run(t, "new", folder, "--sluice", checkout)
	for _, want := range []string{"17 files written to " + folder, "cd " + folder, "make check", "make run", "make send", "README.md"} {
		if got.code != 0 || !strings.Contains(got.stdout, want) {
			t.Errorf("exit code %d, printed %q, want %q", got.code, got.stdout, want)
		}
	}
	if _, err := os.Stat(filepath.Join(folder, "handlers", "order_paid.go")); err != nil {
		t.Error(err)
	}
	if got := run(t, "new", folder, "--sluice", checkout); got.code != 1 || !strings.Contains(got.stderr, "is not empty") {
		t.Errorf("over what is there: %+v", got)
	}
	if got := run(t, "new", filepath.Join(t.TempDir(), "shop")); got.code != 0 { // The test runs within a checkout.
		t.Errorf("without saying where Sluice is: %+v", got)
	}
	fork := filepath.Join(t.TempDir(), "shop")
	if got := run(t, "new", fork, "--fork", "example.org/you/sluice@v0.1.0"); got.code != 0 || !strings.Contains(got.stdout, "make tidy") {
		t.Errorf("of a fork: %+v", got)
	}
	if got := run(t, "new", fork, "--fork", "a.b/c@v1.0.0", "--sluice", checkout); got.code != 2 {
		t.Errorf("of both: %+v", got)
	}
}
