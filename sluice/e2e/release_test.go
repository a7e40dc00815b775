//go:build e2e

package e2e_test

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Whoever builds the sources of a release gets its bytes, and so can check that the ones that are handed out are made of
// them: in another folder, with other settings of Go around, and one program also with nothing compiled before.
func TestBuildsAreReproducible(t *testing.T) { //nolint:paralleltest // It would take the processors from others.
	here, there, anew, copied := t.TempDir(), t.TempDir(), t.TempDir(), filepath.Join(t.TempDir(), "elsewhere")
	others := []string{"GOFLAGS=-trimpath=false -buildvcs=auto", "CGO_ENABLED=1"}
	shell(t, root(t), nil, "mkdir -p "+copied+" && git ls-files -z | tar -c --null -T - | tar -x -C "+copied)
	shell(t, root(t), nil, "deploy/build.sh "+here+" v1.2.3")
	shell(t, copied, others, "deploy/build.sh "+there+" v1.2.3")
	shell(t, copied, append(others, "GOCACHE="+t.TempDir()), "deploy/build.sh "+anew+" v1.2.3 gateway")
	for _, program := range []string{"gateway", "poller", "receiver", "worker", "sluice"} {
		if one, other := digest(t, filepath.Join(here, program)), digest(t, filepath.Join(there, program)); one != other {
			t.Errorf("%s is %s here and %s there", program, one, other)
		}
	}
	if one, other := digest(t, filepath.Join(here, "gateway")), digest(t, filepath.Join(anew, "gateway")); one != other {
		t.Errorf("gateway is %s here and %s with nothing compiled before", one, other)
	}
}

func shell(t *testing.T, dir string, environ []string, script string) string {
	t.Helper()
	command := exec.Command("sh", "-c", script)
	command.Dir, command.Env = dir, append(os.Environ(), environ...)
	output, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", script, err, output)
	}
	return string(output)
}

func digest(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// Who passes a program on has to pass on the licences of everything in it.
func TestEveryModuleOfAProgramHasItsLicenceBesideIt(t *testing.T) {
	t.Parallel()
	programs, licenses := t.TempDir(), t.TempDir()
	shell(t, root(t), nil, "deploy/build.sh "+programs)
	for _, program := range []string{"gateway", "poller", "receiver", "worker", "sluice"} {
		shell(t, root(t), nil, "deploy/licenses.sh "+filepath.Join(licenses, program)+" ./*/cmd/"+program)
		modules := 0
		for line := range strings.Lines(shell(t, root(t), nil, "go version -m "+filepath.Join(programs, program))) {
			fields := strings.Fields(line)
			if len(fields) < 3 || fields[0] != "dep" || strings.HasPrefix(fields[1], "sluice.internal/") {
				continue
			}
			modules++
			if !hasFile(filepath.Join(licenses, program, fields[1]+"@"+fields[2])) {
				t.Errorf("%s: no licence of %s %s", program, fields[1], fields[2])
			}
		}
		if modules < 10 || !hasFile(filepath.Join(licenses, program, "go")) || !hasFile(filepath.Join(licenses, program, "sluice")) {
			t.Errorf("%s: %d modules", program, modules)
		}
	}
}

func hasFile(folder string) (found bool) {
	_ = filepath.WalkDir(folder, func(_ string, entry fs.DirEntry, err error) error {
		found = found || err == nil && !entry.IsDir()
		return nil
	})
	return found
}

// A check that could not ask must not look like one that found nothing.
func TestVulnerabilitiesThatCanNotBeLookedUpAreNoSuccess(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		says string
		code int
		want string
	}{
		"nothing is found":       {"No vulnerabilities found.\nexit 0", 0, "No vulnerabilities found."},
		"something is found":     {"Vulnerability #1: GO-2026-0001\nexit 3", 1, "GO-2026-0001"},
		"nobody can be asked":    {"govulncheck: fetching vulnerabilities: Get https://vuln.go.dev: dial tcp\nexit 1", 2, "NOTHING WAS CHECKED"},
		"the name is not known":  {"govulncheck: lookup vuln.go.dev: no such host\nexit 1", 2, "NOTHING WAS CHECKED"},
		"it ends in another way": {"panic: runtime error\nexit 2", 1, "panic"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, exit, _ := strings.Cut(test.says, "\n")
			tool := filepath.Join(t.TempDir(), "govulncheck")
			if err := os.WriteFile(tool, []byte("#!/bin/sh\necho '"+text+"'\n"+exit+"\n"), 0o755); err != nil {
				t.Fatal(err)
			}
			command := exec.Command("sh", "deploy/vulnerabilities.sh", tool, "shared", "schemas")
			command.Dir = root(t)
			output, _ := command.CombinedOutput()
			if code := command.ProcessState.ExitCode(); code != test.code || !strings.Contains(string(output), test.want) {
				t.Errorf("ended with %d, want %d:\n%s", code, test.code, output)
			}
		})
	}
}
