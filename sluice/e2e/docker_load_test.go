//go:build e2e

package e2e_test

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// load is a simulated sender at work, with an account of what it sent.
type load struct {
	*process

	d      *deployment
	ledger string
}

// load sends from many instances until it is stopped, each with one notification at a time, as GREEN-API does; only the
// pause after a failure is short, so that the test sees how soon notifications are taken again.
func (d *deployment) load() *load {
	d.t.Helper()
	dir := d.t.TempDir()
	token := filepath.Join(dir, "token")
	write(d.t, token, d.token()+"\n")
	l := &load{d: d, ledger: filepath.Join(dir, "ledger.ndjson")}
	l.process = run(d.t, "sluice", "simulate", "--url", d.url+"/green-api/webhook/", "--token-file", token,
		"--instances", "40", "--rate", "150", "--pause", "250ms", "--ledger", l.ledger)
	d.eventually("the first notifications are accepted", func() bool { return len(l.attempts()) > 100 })
	return l
}

// attempt is a line of the ledger.
type attempt struct {
	At       time.Time `json:"at"`
	Status   int       `json:"status"`
	Error    string    `json:"error"`
	Code     string    `json:"code"`
	Duration float64   `json:"duration_ms"`
}

func (a attempt) ended() time.Time {
	return a.At.Add(time.Duration(a.Duration * float64(time.Millisecond)))
}

// attempts reads the ledger as far as it is written.
func (l *load) attempts() []attempt {
	file, err := os.Open(l.ledger)
	if err != nil {
		return nil
	}
	defer file.Close()
	var all []attempt
	for scanner := bufio.NewScanner(file); scanner.Scan(); {
		var a attempt
		if json.Unmarshal(scanner.Bytes(), &a) == nil { // The last line may be half written.
			all = append(all, a)
		}
	}
	return all
}

// failures are the attempts that were not answered 200.
func failures(attempts []attempt) []attempt {
	var failed []attempt
	for _, a := range attempts {
		if a.Status != 200 {
			failed = append(failed, a)
		}
	}
	return failed
}

// report tells how many attempts failed since the mark, and for how long nothing was accepted, and returns a new mark.
func (l *load) report(what string, mark int) (next int, failed []attempt) {
	l.d.t.Helper()
	attempts := l.attempts()
	var last time.Time
	var longest time.Duration
	for _, a := range attempts[mark:] {
		if a.Status != 200 {
			continue
		}
		if !last.IsZero() {
			longest = max(longest, a.ended().Sub(last))
		}
		if a.ended().After(last) {
			last = a.ended()
		}
	}
	failed = failures(attempts[mark:])
	l.d.t.Logf("%s: %d attempts, %d of them failed, nothing accepted for at most %s",
		what, len(attempts)-mark, len(failed), longest.Round(time.Millisecond))
	for _, a := range failed[:min(3, len(failed))] {
		l.d.t.Logf("  %+v", a)
	}
	return len(attempts), failed
}

// accepted waits until more are accepted than before.
func (l *load) accepted(more int) {
	l.d.t.Helper()
	count := func() int { all := l.attempts(); return len(all) - len(failures(all)) }
	before := count()
	l.d.eventually("more notifications are accepted", func() bool { return count() >= before+more })
}

// finish stops the load, with what is under way repeated until it is accepted, and accounts for every notification: each
// accepted one is one event, none is lost or out of order.
func (l *load) finish() {
	l.d.t.Helper()
	l.signal(syscall.SIGINT)
	<-l.ended
	l.d.account(l.ledger)
}

// account asks `sluice audit`, as soon as everything is processed.
func (d *deployment) account(ledger string) {
	d.t.Helper()
	// The user of the container is to read it.
	if err := os.Chmod(ledger, 0o644); err != nil {
		d.t.Fatal(err)
	}
	audit := []string{
		"run", "--rm", "--no-deps", "--no-TTY", "--volume", filepath.Dir(ledger) + ":/ledger:ro",
		"sluice", "audit", "--ledger", "/ledger/" + filepath.Base(ledger),
	}
	d.eventually("everything is processed", func() bool {
		// The exit code is that something needs a person, such as a node that is still catching up.
		out, _, _ := d.call("run", "--rm", "--no-deps", "--no-TTY", "sluice", "status", "--json")
		return strings.Contains(out, `"kind":"verdict"`) && !waiting(d.t, out)
	})
	out, failed, err := d.call(audit...)
	if err != nil {
		d.t.Errorf("sluice audit: %v\n%s%s", err, out, failed)
		return
	}
	d.t.Logf("sluice audit:\n%s", out)
}

// waiting reports whether a status has anything that is not processed.
func waiting(t *testing.T, status string) bool {
	t.Helper()
	for _, line := range objects(t, status) {
		for _, key := range []string{"waiting", "under_way"} {
			if n, ok := line[key].(float64); ok && n > 0 {
				return true
			}
		}
	}
	return false
}
