//go:build e2e

package e2e_test

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sluice.internal/sluice/local"
)

// retyped are a value of each type of JSON, in the place of which a sender may write any other.
var retyped = []any{nil, true, json.Number("1.5"), json.Number("-7"), "text", "", []any{}, []any{"text"}, map[string]any{}, map[string]any{"text": nil}}

// A Sluice that nobody has configured takes all that was seen of GREEN-API, and all of that with any field at any depth left
// out, null or of another type: some 20,000 bodies, by HTTP. What is no event has no text for its type, and nothing panics.
func TestEverySampleAndEachMutationOfItGoesThrough(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	p := up(t, folder)
	bodies, noise := corpus(t)
	t.Logf("%d bodies, %d of them without a type", len(bodies), noise)
	if len(bodies) < 15_000 || noise < 500 {
		t.Fatal("that is too few")
	}
	deliverAll(t, folder, bodies)

	notifications, group := balance(t, folder, len(bodies))
	if notifications.DeadLetters != noise || notifications.Unaccounted != 0 || notifications.Events+notifications.Duplicates+noise != len(bodies) {
		t.Errorf("of %d bodies, %d of which are noise, became %+v", len(bodies), noise, notifications)
	}
	if group.Handled != notifications.Events || group.Dead != 0 || group.Parked != 0 {
		t.Errorf("of %d events became %+v", notifications.Events, group)
	}
	withFaults := 0
	for _, event := range listed(t, notifications.Events, "events", "--data", folder, "--json") {
		if faults, _ := event["faults"].([]any); len(faults) > 0 {
			withFaults++
		}
	}
	if withFaults < 3_000 {
		t.Errorf("%d events have faults, that is too few", withFaults)
	}
	for _, letter := range listed(t, noise, "dead", "--data", folder, "--json") {
		if body, _ := letter["body"].(map[string]any); hasType(body) {
			t.Errorf("a body with a type is a dead letter: %v", letter)
		}
	}
	if strings.Contains(p.printed(), "panic") {
		t.Error("something panicked")
	}
}

// hasType reports whether a document has a text for its type.
func hasType(document map[string]any) bool {
	kind, _ := document["typeWebhook"].(string)
	return kind != ""
}

// corpus returns the samples, and all mutations of them. Noise is how many have no type. An account of its own for each keeps
// them from being repetitions of each other, where the account is not what is mutated.
func corpus(t *testing.T) (bodies [][]byte, noise int) {
	t.Helper()
	for _, name := range []string{"green-api", "field"} {
		files, err := filepath.Glob(filepath.Join(root(t), "worker", "handler", "testdata", name, "*.json"))
		if err != nil || len(files) < 10 {
			t.Fatalf("found %d samples in %s, error %v", len(files), name, err)
		}
		for _, file := range files {
			body, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			bodies = append(bodies, body)
			var document map[string]any
			decoder := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(body, []byte("\ufeff"))))
			decoder.UseNumber()
			if err := decoder.Decode(&document); err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			eachMutation(document, func() {
				if of, ok := document["instanceData"].(map[string]any); ok {
					if _, whole := of["idInstance"].(json.Number); whole {
						before := of["idInstance"]
						defer func() { of["idInstance"] = before }()
						of["idInstance"] = 7_000_000_000 + len(bodies)
					}
				}
				if !hasType(document) {
					noise++
				}
				mutant, err := json.Marshal(document)
				if err != nil {
					t.Fatal(err)
				}
				bodies = append(bodies, mutant)
			})
		}
	}
	return bodies, noise
}

// eachMutation calls visit for every field and item in the document, at any depth, once without it and once with each other
// type in its place. Afterwards the document is as it was.
func eachMutation(value any, visit func()) {
	switch value := value.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(value)) {
			before := value[name]
			delete(value, name)
			visit()
			for _, other := range retyped {
				value[name] = other
				visit()
			}
			value[name] = before
			eachMutation(before, visit)
		}
	case []any:
		for i, before := range value {
			for _, other := range retyped {
				value[i] = other
				visit()
			}
			value[i] = before
			eachMutation(before, visit)
		}
	}
}

// deliverAll posts the bodies to the GREEN-API source of a Sluice, several at a time. Each has to be answered 200.
func deliverAll(t *testing.T, folder string, bodies [][]byte) {
	t.Helper()
	description, err := local.Read(folder)
	if err != nil {
		t.Fatal(err)
	}
	token, err := description.Token("green-api")
	if err != nil {
		t.Fatal(err)
	}
	url := description.GatewayURL + description.Sources["green-api"].Path
	client := &http.Client{Timeout: timeout, Transport: &http.Transport{MaxIdleConnsPerHost: 32}}
	defer client.CloseIdleConnections()
	var next atomic.Int64
	var senders sync.WaitGroup
	for range 32 {
		senders.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(bodies)); i = next.Add(1) - 1 {
				request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, bytes.NewReader(bodies[i]))
				if err != nil {
					t.Error(err)
					return
				}
				request.Header.Set("Authorization", "Bearer "+token)
				response, err := client.Do(request)
				if err != nil {
					t.Error(err)
					return
				}
				_, _ = io.Copy(io.Discard, response.Body)
				_ = response.Body.Close()
				if response.StatusCode != http.StatusOK {
					t.Errorf("answered %d: %s", response.StatusCode, bodies[i])
				}
			}
		})
	}
	senders.Wait()
}

// balances are what the audit counts.
type balances struct {
	Of, Group                                        string
	Stored, Events, Duplicates, Waiting, Unaccounted int
	Handled, Parked, Dead                            int
	DeadLetters                                      int `json:"dead_letters"`
}

// balance waits until nothing of so many notifications waits any more, and returns what became of them and of their events.
func balance(t *testing.T, folder string, count int) (notifications, group balances) {
	t.Helper()
	for deadline := time.Now().Add(5 * timeout); ; {
		out, _ := sluice(t, "audit", "--data", folder, "--json")
		for line := range strings.Lines(out) {
			var one balances
			if err := json.Unmarshal([]byte(line), &one); err != nil {
				t.Fatal(err)
			}
			switch one.Of {
			case "notifications":
				notifications = one
			case "group":
				group = one
			}
		}
		if notifications.Stored == count && notifications.Waiting == 0 && group.Waiting == 0 && group.Events == notifications.Events {
			return notifications, group
		}
		if time.Now().After(deadline) {
			t.Fatalf("%+v and %+v, waited for %d notifications", notifications, group, count)
		}
	}
}
