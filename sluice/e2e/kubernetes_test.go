//go:build e2e

package e2e_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestKubernetesManifestsAreWhatTheAPIKnows reads them strictly, and breaks one to see that this is noticed.
func TestKubernetesManifestsAreWhatTheAPIKnows(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(root(t), "deploy", "kubernetes")
	manifests, err := filepath.Glob(filepath.Join(folder, "*.yaml"))
	if err != nil || len(manifests) == 0 {
		t.Fatalf("manifests %v, error %v", manifests, err)
	}
	if output, err := checkManifests(folder, manifests...); err != nil {
		t.Errorf("%v\n%s", err, output)
	}
	text, err := os.ReadFile(filepath.Join(folder, "gateway.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	broken := filepath.Join(t.TempDir(), "broken.yaml")
	write(t, broken, strings.Replace(string(text), "enableServiceLinks", "enableServiceLink", 1))
	if output, err := checkManifests(folder, broken); err == nil || !strings.Contains(output, "enableServiceLink") {
		t.Errorf("a field that nobody knows: %v\n%s", err, output)
	}
}

func checkManifests(folder string, manifests ...string) (string, error) {
	check := exec.Command("go", append([]string{"run", "."}, manifests...)...)
	check.Dir = filepath.Join(folder, "check")
	check.Env = append(os.Environ(), "GOWORK=off")
	output, err := check.CombinedOutput()
	return string(output), err
}
