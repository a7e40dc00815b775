//go:build e2e

package e2e_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestSystemdUnitsAreValid asks systemd itself, in a folder that has the programs where the units expect them.
func TestSystemdUnitsAreValid(t *testing.T) {
	t.Parallel()
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Fatalf("systemd has to be installed, as sluice/e2e/programs.sh does: %v", err)
	}
	units, err := filepath.Glob(filepath.Join(root(t), "deploy", "systemd", "*.service"))
	if err != nil || len(units) != 5 {
		t.Fatalf("units %v, error %v", units, err)
	}
	there := t.TempDir()
	var names []string
	for _, file := range []string{
		"usr/local/bin/gateway", "usr/local/bin/poller", "usr/local/bin/receiver", "usr/local/bin/worker", "usr/local/bin/nats-server", "bin/kill",
	} {
		program := filepath.Join(there, file)
		if err := os.MkdirAll(filepath.Dir(program), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(program, []byte("#!/bin/sh\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	folder := filepath.Join(there, "etc/systemd/system")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, unit := range units {
		text, err := os.ReadFile(unit)
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(folder, filepath.Base(unit)), string(text))
		names = append(names, filepath.Base(unit))
	}
	verify := exec.Command(analyze, append([]string{"verify", "--root=" + there, "--recursive-errors=no"}, names...)...)
	if output, err := verify.CombinedOutput(); err != nil || strings.Contains(string(output), ".service:") {
		t.Errorf("%v\n%s", err, output)
	}
	for _, unit := range units {
		// The threshold is tenths of the exposure that it computes, from 0 to 100.
		security := exec.Command(analyze, "security", "--offline=yes", "--threshold=20", "--no-pager", unit)
		if output, err := security.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", filepath.Base(unit), err, output)
		}
	}
}
