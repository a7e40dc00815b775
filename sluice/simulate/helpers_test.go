package simulate_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"sluice.internal/sluice/ledger"
	"sluice.internal/sluice/simulate"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const someURL = "http://receiver.test/green-api/webhook/"

// request is what a receiver got.
type request struct {
	at   time.Time
	body string
}

func (r request) document(t *testing.T) map[string]any {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(r.body))
	decoder.UseNumber()
	var document map[string]any
	if err := decoder.Decode(&document); err != nil {
		t.Fatalf("%s: %v", r.body, err)
	}
	return document
}

// receiver is a web server without a network, so that a day of pauses passes in no time. It remembers the requests.
type receiver struct {
	mutex    sync.Mutex
	requests []request
	// answer gets the number of the request, from 0. By default everything is answered 200.
	answer func(ctx context.Context, number int) (*http.Response, error)
}

func (r *receiver) RoundTrip(sent *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(sent.Body)
	if err != nil {
		return nil, err
	}
	r.mutex.Lock()
	number := len(r.requests)
	r.requests = append(r.requests, request{time.Now(), string(body)})
	r.mutex.Unlock()
	if r.answer == nil {
		return respond(http.StatusOK, ""), nil
	}
	return r.answer(sent.Context(), number)
}

func respond(status int, body string) *http.Response {
	return &http.Response{
		StatusCode: status, Header: http.Header{"Sluice-Receipt": {"17"}}, Body: io.NopCloser(strings.NewReader(body)),
	}
}

// run is a whole simulation, runUntil one that a context may end. In a bubble of synctest, time passes only while
// everybody waits.
func run(t *testing.T, settings simulate.Settings, to *receiver) (summary simulate.Summary, entries []ledger.Entry) {
	t.Helper()
	return runUntil(t.Context(), t, settings, to)
}

func runUntil(ctx context.Context, t *testing.T, settings simulate.Settings, to *receiver) (summary simulate.Summary, entries []ledger.Entry) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ledger.ndjson")
	ledger, err := ledger.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	settings.URL, settings.Transport, settings.Ledger = someURL, to, ledger
	simulator, err := simulate.New(settings)
	if err != nil {
		t.Fatal(err)
	}
	if summary, err = simulator.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if err := ledger.Close(); err != nil {
		t.Fatal(err)
	}
	return summary, readFile(t, path)
}

func readFile(t *testing.T, path string) (entries []ledger.Entry) {
	t.Helper()
	content := content(t, path)
	for entry, err := range ledger.Read(bytes.NewReader(content)) {
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, entry)
	}
	if lines := bytes.Count(content, []byte("\n")); lines != len(entries) {
		t.Fatalf("%d entries in %d lines", len(entries), lines)
	}
	return entries
}

// ofInstance returns the entries of one instance.
func ofInstance(entries []ledger.Entry, instance string) []ledger.Entry {
	return slices.DeleteFunc(slices.Clone(entries), func(e ledger.Entry) bool { return e.Instance != instance })
}

var errRefused = errors.New("connection refused")
