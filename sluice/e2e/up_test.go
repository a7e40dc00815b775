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

func up(t *testing.T, data string, more ...string) *process {
	t.Helper()
	p := run(t, "sluice", append([]string{
		"up", "--data", data, "--gateway-listen", "127.0.0.1:0", "--nats-listen", "127.0.0.1:0",
	}, more...)...)
	p.waitFor(ready)
	return p
}

func TestFreshCloneRunsWithOneCommandAndSurvivesAKill(t *testing.T) {
	t.Parallel()
	clone := filepath.Join(t.TempDir(), "clone")
	if output, err := exec.Command("git", "clone", "--quiet", root(t), clone).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	command := exec.Command("make", "run", "ARGS=--gateway-listen 127.0.0.1:0 --nats-listen 127.0.0.1:0")
	command.Dir = clone
	p := runCommand(t, command)
	p.waitFor(ready)
	data := "--data=" + filepath.Join(clone, "data")

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
	broken := filepath.Join(t.TempDir(), "broken.json")
	write(t, broken, `{"typeWebhook":"incomingCall"}`)
	if _, code := sluice(t, "send", data, broken); code != 0 {
		t.Fatal("an invalid notification was not taken")
	}
	dead := listed(t, 1, "dead", data, "--json")
	for _, field := range []string{"instanceData", "from", "idMessage"} {
		if len(dead) != 1 || !strings.Contains(dead[0]["error"].(string), "/"+field+" is missing") {
			t.Errorf("dead letters %v, want one that names %s", dead, field)
		}
	}
	wrong := filepath.Join(t.TempDir(), "token")
	write(t, wrong, "wrong-token-of-somebody\n")
	if out, code := sluice(t, "send", data, "--token-file", wrong, broken); code != 1 || !strings.Contains(out, "401") {
		t.Errorf("a wrong token: exit code %d:\n%s", code, out)
	}
	rejections := listed(t, 1, "rejections", data, "--json")
	if len(rejections) != 1 || rejections[0]["cause"] != "wrong-token" {
		t.Errorf("rejections %v", rejections)
	}

	if err := syscall.Kill(-p.command.Process.Pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-p.ended
	up(t, filepath.Join(clone, "data"))
	if after := listed(t, len(files), "events", data, "--json"); !reflect.DeepEqual(after, events) {
		t.Errorf("%d events before the kill and %d after, or others", len(events), len(after))
	}
	if after := listed(t, 1, "dead", data, "--json"); !reflect.DeepEqual(after, dead) {
		t.Errorf("dead letters before %v, after %v", dead, after)
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
