package up_test

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"sluice.internal/shared/service"
	"sluice.internal/shared/stream/admin"
	"sluice.internal/sluice/simulate"
)

// people collects the ids of people that are sent.
type people struct {
	mutex sync.Mutex
	ids   map[string]bool
}

var personalFields = regexp.MustCompile(`"(?:chatId|sender|from|wid|phone)":"?(-?[0-9]{5,})`)

func (p *people) RoundTrip(request *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return nil, err
	}
	p.mutex.Lock()
	for _, found := range personalFields.FindAllSubmatch(body, -1) {
		p.ids[string(found[1])] = true
	}
	p.mutex.Unlock()
	request.Body = io.NopCloser(bytes.NewReader(body))
	return http.DefaultTransport.RoundTrip(request)
}

// unprocessed counts what intake and handlers have still to do.
func unprocessed(t *testing.T, streams *admin.Client) (count uint64) {
	t.Helper()
	status, err := streams.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, backlog := range append(status.Groups, status.Intake) {
		count += backlog.Unprocessed()
	}
	return count
}

// The log of everything, at its most talkative, has no id of anybody in it, and one digest for each.
func TestLogOfASimulatedRunNamesNobody(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{service.PersonalHash, service.PersonalKeep} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			cfg := load(t)
			cfg.Log.Level, cfg.Log.Personal = slog.LevelDebug, mode
			running := startWith(t, t.TempDir(), cfg)
			sent := &people{ids: map[string]bool{}}
			token, err := os.ReadFile(filepath.Join(running.Dir, "green-api.token"))
			if err != nil {
				t.Fatal(err)
			}
			sender, err := simulate.New(simulate.Settings{
				URL: running.Description(t).GatewayURL + "/green-api/webhook/", Token: strings.TrimSpace(string(token)),
				Instances: 3, Count: 60, Speed: 100, Seed: 7, Unknown: 0.05, Invalid: 0.1, Transport: sent,
			})
			if err != nil {
				t.Fatal(err)
			}
			summary, err := sender.Run(t.Context())
			if err != nil || len(sent.ids) < 20 {
				t.Fatalf("summary %+v, %d people, error %v", summary, len(sent.ids), err)
			}
			streams := running.Attach(t)
			key := streams.LogKey()
			// A worker that is stopped leaves to the next one what it has not begun, and then logs nothing about it.
			await(t, "everything is handled", func() bool { return unprocessed(t, streams) == 0 })
			if err := running.Stop(); err != nil {
				t.Fatal(err)
			}
			log := running.Log.String()
			var named []string
			for id := range sent.ids {
				if strings.Contains(log, id) {
					named = append(named, id)
				}
			}
			slices.Sort(named)
			if mode == service.PersonalKeep {
				if len(named) == 0 {
					t.Error("names nobody although it may, so the other test shows nothing")
				}
				return
			}
			if len(named) > 0 {
				at := strings.Index(log, named[0])
				t.Errorf("names %q, as in\n%s", named, log[max(0, at-300):min(len(log), at+100)])
			}
			digests := 0
			for id := range sent.ids {
				if strings.Contains(log, service.Digest(key, id+"@c.us")) {
					digests++
				}
			}
			if digests == 0 {
				t.Error("nobody can be found by the digest")
			}
		})
	}
}
