// Package senders_test holds what Sluice takes for a sender's signature against the senders' own libraries, the whole
// way from the request to the event. None of those libraries is part of a program.
package senders_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"sluice.internal/gateway"
	"sluice.internal/shared/config"
	"sluice.internal/shared/notification"
	"sluice.internal/shared/proof"
	"sluice.internal/shared/source"
	"sluice.internal/shared/stream/admin"
	"sluice.internal/shared/streamtest"
	"sluice.internal/worker"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	timeout = 2 * time.Minute
	secret  = "the-secret-of-this-source"
	whsec   = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
)

// everybody is a configuration with all providers at once, and several sources of one.
const everybody = `
gateway: {listen: "127.0.0.1:0"}
sources:
  green-api: {token: ` + secret + `}
  timepad: {token: ` + secret + `}
  sms-by: {token: ` + secret + `}
  github: {token: ` + secret + `}
  github-2:
    provider: github
    path: /github/second
    secrets: [{secret: another-secret-0123456789, until: 2020-01-01}, {secret: second-secret-0123456789}]
  slack: {token: ` + secret + `}
  dropbox: {token: ` + secret + `}
  stripe: {token: ` + secret + `}
  shopify: {token: ` + secret + `}
  standard-webhooks: {token: ` + whsec + `}
  generic: {token: ` + secret + `, read: {type: "header:X-Event"}}
  crm: {provider: generic, path: /crm, auth: path, token: ` + secret + `, read: {type: "constant:note"}, mode: observe}
`

// lab is a gateway and a worker on a store.
type lab struct {
	t       *testing.T
	address string
	streams *streamtest.Streams
	cfg     *config.Config
}

func start(t *testing.T, yaml string) *lab {
	t.Helper()
	server := streamtest.Start(t)
	l := &lab{t: t, cfg: load(t, yaml), streams: server.Open(t, streamtest.Lanes(8))}
	sources, err := source.Configure(l.cfg.Sources)
	if err != nil {
		t.Fatal(err)
	}
	edge, err := gateway.New(gateway.Settings{Gateway: l.cfg.Gateway, Sources: sources}, server.Open(t), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	l.address = edge.Address()
	l.run(edge.Run)
	works, err := worker.New(t.Context(), l.cfg, worker.Parts{}, server.Open(t).Client, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	l.run(works.Run)
	return l
}

func load(t *testing.T, yaml string) *config.Config {
	t.Helper()
	file := filepath.Join(t.TempDir(), "sluice.yaml")
	if err := os.WriteFile(file, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(config.Options{File: file, Providers: source.Known()})
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func (l *lab) run(part func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- part(ctx) }()
	l.t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			l.t.Error(err)
		}
	})
}

// post sends a body and returns status and answer.
func (l *lab) post(path string, header http.Header, body []byte) (status int, answer string) {
	l.t.Helper()
	request, err := http.NewRequestWithContext(l.t.Context(), http.MethodPost, "http://"+l.address+path, bytes.NewReader(body))
	if err != nil {
		l.t.Fatal(err)
	}
	request.Header = header
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		l.t.Fatal(err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		l.t.Fatal(err)
	}
	return response.StatusCode, string(content)
}

// sign posts a body as the source's sender would, by Sluice's own signer.
func (l *lab) sign(name, secret, kind string, header http.Header, body []byte) (status int, answer string) {
	l.t.Helper()
	configured := l.cfg.Sources[name]
	provider := source.Providers()[configured.Provider]
	made, err := source.ProofFor(provider, configured)
	if err != nil {
		l.t.Fatal(err)
	}
	draft := &proof.Draft{URL: &url.URL{Path: configured.Path}, Header: header, Body: body, At: time.Now()}
	if provider.Announce != nil {
		provider.Announce(draft, kind)
	}
	if err := made.Sign(draft, secret); err != nil {
		l.t.Fatal(err)
	}
	return l.post(draft.URL.Path, draft.Header, body)
}

// events waits until that many events are stored and returns them.
func (l *lab) events(count int) []notification.Event {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(l.t.Context(), timeout)
	defer cancel()
	for {
		var events []notification.Event
		for event, err := range l.streams.Events(ctx, admin.Query{}) {
			if err != nil {
				l.t.Fatal(err)
			}
			events = append(events, event)
		}
		if len(events) >= count {
			return events
		}
	}
}

// letters are the dead letters.
func (l *lab) letters() []notification.DeadLetter {
	l.t.Helper()
	var letters []notification.DeadLetter
	for letter, err := range l.streams.DeadLetters(l.t.Context(), admin.Query{}) {
		if err != nil {
			l.t.Fatal(err)
		}
		letters = append(letters, letter)
	}
	return letters
}
