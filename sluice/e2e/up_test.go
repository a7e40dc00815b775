//go:build e2e

package e2e_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
)

const ready = "Sluice is ready."

func up(t *testing.T, data string) *process {
	t.Helper()
	p := run(t, "sluice", "up", "--data", data, "--gateway-listen", "127.0.0.1:0", "--nats-listen", "127.0.0.1:0")
	p.waitFor(ready)
	return p
}

func TestFreshCloneRunsWithOneCommandAndSurvivesAKill(t *testing.T) {
	t.Parallel()
	p, folder := runClone(t)
	data := "--data=" + folder
	files, err := filepath.Glob(filepath.Join(samples(t), "*.json"))
	if err != nil || len(files) < 40 {
		t.Fatalf("found %d samples, error %v", len(files), err)
	}
	if out, code := sluice(t, "send", data, samples(t)); code != 0 || strings.Count(out, "200") < len(files) {
		t.Fatalf("exit code %d:\n%s", code, out)
	}
	events := listed(t, len(files), "events", data, "--json")
	if _, code := sluice(t, "send", data, samples(t)); code != 0 {
		t.Fatal("sending again failed")
	}
	// The dead letter comes behind all the repetitions of its shard, so when it is there these were folded.
	dead := sendInvalid(t, data)
	sendWithWrongToken(t, data)

	if err := syscall.Kill(-p.command.Process.Pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	p.exit()
	up(t, folder)
	if after := listed(t, len(files), "events", data, "--json"); !reflect.DeepEqual(after, events) {
		t.Errorf("%d events before the kill and %d after, or others", len(events), len(after))
	}
	if after := listed(t, 1, "dead", data, "--json"); !reflect.DeepEqual(after, dead) {
		t.Errorf("dead letters before %v, after %v", dead, after)
	}
}

// runClone clones the repository and types the README's command. It returns the process and its data folder.
func runClone(t *testing.T) (p *process, data string) {
	t.Helper()
	clone := filepath.Join(t.TempDir(), "clone")
	if output, err := exec.Command("git", "clone", "--quiet", root(t), clone).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	command := exec.Command("make", "run", "ARGS=--gateway-listen 127.0.0.1:0 --nats-listen 127.0.0.1:0")
	command.Dir = clone
	p = runCommand(t, command)
	p.waitFor(ready)
	return p, filepath.Join(clone, "data")
}

// sendInvalid sends a body without a type and returns the dead letters, one.
func sendInvalid(t *testing.T, data string) []map[string]any {
	t.Helper()
	broken := filepath.Join(t.TempDir(), "broken.json")
	write(t, broken, `{"typeWebhook":7,"from":"1"}`)
	if _, code := sluice(t, "send", data, broken); code != 0 {
		t.Fatal("an invalid notification was not taken")
	}
	dead := listed(t, 1, "dead", data, "--json")
	if len(dead) != 1 {
		t.Fatalf("dead letters %v, want one", dead)
	}
	if !strings.Contains(dead[0]["error"].(string), "/typeWebhook must be a string") {
		t.Errorf("dead letter %v does not say what is wrong", dead[0])
	}
	return dead
}

func sendWithWrongToken(t *testing.T, data string) {
	t.Helper()
	wrong, body := filepath.Join(t.TempDir(), "token"), filepath.Join(t.TempDir(), "body.json")
	write(t, wrong, "wrong-token-of-somebody\n")
	write(t, body, "{}")
	if out, code := sluice(t, "send", data, "--token-file", wrong, body); code != 1 || !strings.Contains(out, "401") {
		t.Errorf("exit code %d:\n%s", code, out)
	}
	rejections := listed(t, 1, "rejections", data, "--json")
	if len(rejections) != 1 || rejections[0]["cause"] != "wrong-token" {
		t.Errorf("rejections %v", rejections)
	}
}

func write(t *testing.T, file, content string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestSignalsEndItInGoodOrder(t *testing.T) {
	t.Parallel()
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		p := up(t, t.TempDir())
		p.signal(signal)
		if code := p.exit(); code != 0 {
			t.Errorf("exit code %d after %s", code, signal)
		}
	}
}

func TestSecondProcessOnAFolderSaysWhoHasIt(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	up(t, data)
	second := run(t, "sluice", "up", "--data", data, "--gateway-listen", "127.0.0.1:0", "--nats-listen", "127.0.0.1:0")
	if code := second.exit(); code != 1 || !strings.Contains(second.printed(), "is in use by process") {
		t.Errorf("exit code %d:\n%s", code, second.printed())
	}
}
