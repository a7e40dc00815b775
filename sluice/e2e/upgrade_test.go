//go:build e2e

package e2e_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// lanesCommit is a version that had a consumer for each lane.
const lanesCommit = "68ac837"

// buildLanes builds the program effects of that version out of the history.
func buildLanes(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	archive := exec.Command("git", "archive", lanesCommit)
	archive.Dir = "../.."
	unpack := exec.Command("tar", "-x", "-C", folder)
	files, err := archive.Output()
	if err != nil {
		t.Fatalf("read version %s out of the history, which has to be there as a whole: %v", lanesCommit, err)
	}
	unpack.Stdin = bytes.NewReader(files)
	if output, err := unpack.CombinedOutput(); err != nil {
		t.Fatalf("unpack version %s: %v\n%s", lanesCommit, err, output)
	}
	path := filepath.Join(folder, "effects-of-lanes")
	build := exec.Command("go", "build", "-tags", "e2e", "-o", path, "./sluice/e2e/effects")
	build.Dir = folder
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build version %s: %v\n%s", lanesCommit, err, output)
	}
	return path
}

// Workers of the version before are replaced one by one under load, one of them by a kill. For a while both run. Nothing is
// lost, nothing out of order, and again comes only what was under way at the kill.
func TestWorkersWithLanesAreReplacedUnderLoad(t *testing.T) {
	t.Parallel()
	const underWay = 16                   // The worker that is killed has hardly anything any more by then.
	seed := uint64(time.Now().UnixNano()) // Any number will do.
	c := &campaign{t: t, random: rand.New(rand.NewPCG(seed, seed)), seed: seed, folder: keptFolder(t)}
	old, current := buildLanes(t), buildEffects(t)
	c.startBroker()
	c.addWorker(0, old) // It makes the streams as they were.
	c.addWorker(1, old)
	workers := c.members[1:]
	c.addGateway(0)
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		summary := c.send(25*time.Second, 200)
		if err := summary.Err(); err != nil {
			t.Error(err)
		}
	}()
	pauseFor(t, 6*time.Second)
	c.addWorker(2, current)
	pauseFor(t, 5*time.Second)
	c.addWorker(3, current)
	workers[0].process.signal(syscall.SIGKILL)
	pauseFor(t, 5*time.Second)
	workers[1].process.signal(syscall.SIGTERM)
	<-sent
	settle(t, "--nats", c.url)
	audit(t, c.ledgers, "--nats", c.url)
	repeats := c.checkEffects()
	if repeats > underWay {
		t.Errorf("%d effects were repeated, at most %d were under way at the kill", repeats, underWay)
	}
	for number := range 4 {
		if info, err := os.Stat(c.effectsFile(number)); err != nil || info.Size() == 0 {
			t.Errorf("worker %d did nothing, error %v", number, err)
		}
	}
	restarted := program(t, filepath.Base(old), "--nats-url", c.url)
	restarted.Path = old
	restarted.Env = append(os.Environ(), "EFFECTS="+filepath.Join(c.folder, "refused"))
	refused := runCommand(t, restarted)
	if code := refused.exit(); code == 0 {
		t.Error("a worker of the version before begins again beside newer ones")
	}
	fmt.Fprintln(t.Output(), refused.printed())
}

// pauseFor lets a system under load run for a time.
func pauseFor(t *testing.T, d time.Duration) {
	t.Helper()
	select {
	case <-time.After(d):
	case <-t.Context().Done():
	}
}
