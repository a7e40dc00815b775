//go:build e2e

package e2e_test

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"
)

// inChat is the number of tries after which an event is set aside and has no place in its order any more.
const inChat = 3

// effect is a line that the program effects wrote.
type effect struct {
	At       time.Time `json:"at"`
	Process  int       `json:"process"`
	Sequence uint64    `json:"sequence"`
	Key      string    `json:"key"`
	Source   string    `json:"source"`
	Instance string    `json:"instance"`
	Order    string    `json:"order"`
	Attempt  int       `json:"attempt"`
}

func (e effect) chat() string { return fmt.Sprintf("%q %q %q", e.Source, e.Instance, e.Order) }

var effectsOnce = sync.OnceValues(func() (string, error) {
	dir, err := programs()
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "effects")
	build := exec.Command("go", "build", "-tags", "e2e", "-o", path, "./sluice/e2e/effects")
	build.Dir = "../.."
	if output, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build effects: %w\n%s", err, output)
	}
	return path, nil
})

// buildEffects builds the program effects once.
func buildEffects(t *testing.T) string {
	t.Helper()
	path, err := effectsOnce()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// effects reads what all workers wrote, in the order of time.
func (c *campaign) effects() []effect {
	c.t.Helper()
	var all []effect
	files, err := filepath.Glob(filepath.Join(c.folder, "effects-*"))
	if err != nil || len(files) == 0 {
		c.t.Fatalf("no worker wrote anything, error %v", err)
	}
	for _, path := range files {
		file, err := os.Open(path)
		if err != nil {
			c.t.Fatal(err)
		}
		defer file.Close()
		for scanner := bufio.NewScanner(file); scanner.Scan(); {
			var e effect
			if err := json.Unmarshal(scanner.Bytes(), &e); err != nil {
				c.t.Fatalf("effect %q: %v", scanner.Text(), err)
			}
			all = append(all, e)
		}
	}
	slices.SortStableFunc(all, func(a, b effect) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Sequence, b.Sequence)) })
	return all
}

// checkEffects checks that every event that is no dead letter had its effect, that effects of one chat came in the
// order of its events, and counts those that came twice. A repetition has the same key and is no violation.
func (c *campaign) checkEffects() (repeats int) {
	c.t.Helper()
	done, first := map[string]int{}, map[string]effect{}
	last := map[string]effect{}
	violations := 0
	for _, e := range c.effects() {
		if before, known := first[e.Key]; !known {
			first[e.Key] = e
		} else if repeats++; repeats <= 20 {
			c.t.Logf("repeated: event %d of %s by process %d at %s and by process %d at %s", e.Sequence, e.chat(),
				before.Process, before.At.Format(time.TimeOnly+".000"), e.Process, e.At.Format(time.TimeOnly+".000"))
		}
		if done[e.Key]++; done[e.Key] > 1 || e.Attempt > inChat {
			continue
		}
		if before := last[e.chat()]; before.Sequence > e.Sequence {
			if violations++; violations <= 10 {
				c.t.Errorf("order: event %d of %s had its effect after event %d: %+v, %+v", e.Sequence, e.chat(), before.Sequence, e, before)
			}
		}
		last[e.chat()] = e
	}
	c.checkDone(done)
	c.t.Logf("%d effects, %d repeated with the same key, %d out of order", len(done), repeats, violations)
	return repeats
}

// checkDone checks that what is an event and no dead letter had its effect.
func (c *campaign) checkDone(done map[string]int) {
	c.t.Helper()
	out, code := sluice(c.t, "dead", "--json", "--nats", c.url)
	if code != 0 {
		c.t.Fatalf("sluice dead: exit code %d", code)
	}
	dead := map[any]bool{}
	for _, letter := range objects(c.t, out) {
		dead[letter["key"]] = true
	}
	out, code = sluice(c.t, "events", "--json", "--nats", c.url)
	if code != 0 {
		c.t.Fatalf("sluice events: exit code %d", code)
	}
	missing := 0
	for _, event := range objects(c.t, out) {
		key, _ := event["key"].(string)
		if done[key] == 0 && !dead[key] {
			if missing++; missing <= 10 {
				c.t.Errorf("event %v with the key %q had no effect and is no dead letter", event["sequence"], key)
			}
		}
	}
	if missing > 0 {
		c.t.Errorf("%d events had no effect", missing)
	}
}
