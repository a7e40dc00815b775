package simulate_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"sluice.internal/sluice/ledger"
	"sluice.internal/sluice/simulate"
)

func content(t *testing.T, path string) []byte {
	t.Helper()
	bytes, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return bytes
}

const entryLine = `{"at":"2026-11-23T10:00:00Z","source":"green-api","instance":"1101000001","number":41,"type":"incomingCall",` +
	`"chat":"7@c.us","id_message":"A","attempt":1,"status":200,"receipt":"9","duration_ms":3.2,"bytes":812,"body_sha256":"ab"}` + "\n"

func TestLedgerHasTheNamesThatWereAgreed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "ledger")
		ledger, err := ledger.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		simulator, err := simulate.New(simulate.Settings{URL: someURL, Instances: 1, Count: 1, Seed: 5, Ledger: ledger, Transport: &receiver{}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := simulator.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := ledger.Close(); err != nil {
			t.Fatal(err)
		}
		const start = `{"at":"2000-01-01T00:00:00Z","source":"green-api","instance":"1101000001","number":1,"type":"`
		line := string(content(t, path))
		if !strings.HasPrefix(line, start) || !strings.Contains(line, `,"attempt":1,"status":200,"receipt":"17","duration_ms":0,"bytes":`) ||
			strings.Count(line, "\n") != 1 || len(readFile(t, path)[0].BodySHA256) != 64 {
			t.Errorf("line %s", line)
		}
	})
}

func TestLedgerIsGoneOnWithBehindItsLastWholeLine(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "ledger")
		if err := os.WriteFile(path, []byte(entryLine+entryLine[:90]), 0o600); err != nil {
			t.Fatal(err)
		}
		ledger, err := ledger.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		simulator, err := simulate.New(simulate.Settings{URL: someURL, Instances: 2, Count: 2, Ledger: ledger, Transport: &receiver{}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := simulator.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := ledger.Close(); err != nil {
			t.Fatal(err)
		}
		entries := readFile(t, path)
		first, second := ofInstance(entries, "1101000001"), ofInstance(entries, "1101000002")
		if len(first) != 3 || first[1].Number != 42 || first[2].Number != 43 || len(second) != 2 || second[0].Number != 1 {
			t.Errorf("entries %+v", entries)
		}
	})
}

func TestTornLastLineIsLeftOut(t *testing.T) {
	t.Parallel()
	for end := range len(entryLine) {
		count := 0
		for entry, err := range ledger.Read(strings.NewReader(entryLine + entryLine[:end])) {
			if count++; err != nil || entry.Number != 41 || entry.Receipt != "9" {
				t.Fatalf("entry %+v, error %v", entry, err)
			}
		}
		if count != 1 {
			t.Fatalf("%d entries with %d bytes of the last line", count, end)
		}
	}
}

func TestWhatIsNoLedgerIsRefusedAndLeftAlone(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"notes":            "dear diary\nnothing happened",
		"a single line":    "dear diary",
		"another document": `{"file":"-","status":200}` + "\n",
		"torn in between":  entryLine + entryLine[:90] + "\n" + entryLine,
	} {
		path := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		ledger, err := ledger.Open(path)
		if err == nil {
			_ = ledger.Close()
		}
		if err == nil || !strings.Contains(err.Error(), "is no entry of a ledger") || !strings.HasSuffix(err.Error(), "name another file") {
			t.Errorf("%s: error %v", name, err)
		}
		if string(content(t, path)) != text {
			t.Errorf("%s: changed", name)
		}
	}
}

func TestLedgerHasOneWriter(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledger")
	first, err := ledger.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ledger.Open(path); err == nil || !strings.Contains(err.Error(), "another process writes it") {
		t.Errorf("error %v", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := ledger.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestRunEndsWhenItsLedgerCanNotBeWritten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ledger, err := ledger.Open(filepath.Join(t.TempDir(), "ledger"))
		if err != nil {
			t.Fatal(err)
		}
		if err := ledger.Close(); err != nil {
			t.Fatal(err)
		}
		simulator, err := simulate.New(simulate.Settings{URL: someURL, Ledger: ledger, Transport: &receiver{}})
		if err != nil {
			t.Fatal(err)
		}
		summary, err := simulator.Run(t.Context())
		if err == nil || !strings.HasPrefix(err.Error(), "write ledger: ") || summary.Attempts == 0 || summary.Attempts > 4 {
			t.Errorf("error %v, summary %+v", err, summary)
		}
	})
}
