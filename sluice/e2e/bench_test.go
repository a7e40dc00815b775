//go:build e2e

package e2e_test

import (
	"strings"
	"testing"
)

func TestBenchFindsEverythingThatItSent(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	up(t, data)
	out, code := sluice(t, "bench", "--data", data, "--duration=500ms", "--connections=8", "--json")
	results := objects(t, out)
	if code != 0 || len(results) != 1 {
		t.Fatalf("exit code %d:\n%s", code, out)
	}
	checked, ok := results[0]["checked"].(map[string]any)
	if !ok || checked["accepted"] == 0.0 || checked["accepted"] != checked["stored"] {
		t.Errorf("checked %v", checked)
	}
	if processes, ok := results[0]["processes"].([]any); !ok || len(processes) != 1 {
		t.Errorf("processes %v", results[0]["processes"])
	}
}

func TestBenchMakesATableOutOfItself(t *testing.T) {
	t.Parallel()
	out, code := sluice(t, "bench", "--table", "--rounds=1", "--duration=200ms", "--connections=4", "--backlogs=100", "--parked=1000", "--folder", t.TempDir())
	if code != 0 {
		t.Fatalf("exit code %d", code)
	}
	for _, row := range []string{
		"HTTP limit, 4 connections", "gateway, synced, 4 connections", "gateway and worker, synced, 4 connections", "intake, backlog of 100, synced",
		"handlers in order, 0 ms, 2 workers, synced",
	} {
		if !strings.Contains(out, "\n| "+row+" | ") {
			t.Errorf("no row %q in\n%s", row, out)
		}
	}
}
