package simulate_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"sluice.internal/sluice/ledger"
	"sluice.internal/sluice/simulate"
)

// Whatever goes wrong on the way, each notification is accepted in the end, and the ledger says why it was not before.
func TestFaultsOnTheWayAreRiddenOut(t *testing.T) { //nolint:gocyclo // Each step checks its error.
	t.Parallel()
	for fault, test := range map[string]struct {
		says  string // in the ledger, about an attempt with the fault
		whole bool   // whether the receiver gets the whole body with it
	}{
		simulate.LineCut:  {"the simulator hung up in the middle of the body", false},
		simulate.LineHang: {"no answer within 300ms", false},
		simulate.LineLose: {"the simulator hung up before the answer", true},
		simulate.LineSlow: {"", true},
	} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			var mutex sync.Mutex
			var whole, broken int
			server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				body, err := io.ReadAll(r.Body)
				mutex.Lock()
				defer mutex.Unlock()
				if err == nil && int64(len(body)) == r.ContentLength {
					whole++
				} else {
					broken++
				}
			}))
			defer server.Close()
			path := filepath.Join(t.TempDir(), "ledger")
			written, err := ledger.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			timeout := time.Minute
			if fault == simulate.LineHang {
				timeout = 300 * time.Millisecond
			}
			simulator, err := simulate.New(simulate.Settings{
				URL: server.URL, Instances: 2, Count: 5, Seed: 3, Ledger: written, Timeout: timeout, Pause: time.Millisecond,
				Line: []simulate.LineFault{{Name: fault, Chance: 0.4}},
			})
			if err != nil {
				t.Fatal(err)
			}
			summary, err := simulator.Run(t.Context())
			if err != nil || summary.Err() != nil {
				t.Fatalf("%v, %v", err, summary.Err())
			}
			if err := written.Close(); err != nil {
				t.Fatal(err)
			}
			failed := 0
			content, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for entry, err := range ledger.Read(bytes.NewReader(content)) {
				if err != nil {
					t.Fatal(err)
				}
				if entry.Status != http.StatusOK {
					failed++
					if !strings.Contains(entry.Error, test.says) {
						t.Errorf("the ledger says %q, want %q", entry.Error, test.says)
					}
				}
			}
			mutex.Lock()
			defer mutex.Unlock()
			if (test.says != "") != (failed > 0) || !test.whole && broken == 0 || test.whole && broken > 0 || whole < 10 {
				t.Errorf("%d attempts failed, %d bodies came whole, %d did not", failed, whole, broken)
			}
		})
	}
}
