package simulate_test

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"sluice.internal/sluice/simulate"
)

// server is a receiver with a network. It counts connections and the requests at each path.
type server struct {
	*httptest.Server

	mutex       sync.Mutex
	connections int
	paths       map[string]int
	last        *http.Request
}

func startServer(t *testing.T, answer http.HandlerFunc) *server {
	t.Helper()
	s := &server{paths: map[string]int{}}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		s.mutex.Lock()
		s.paths[r.URL.Path]++
		s.last = r
		s.mutex.Unlock()
		answer(w, r)
	}))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			s.mutex.Lock()
			s.connections++
			s.mutex.Unlock()
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	return s
}

func (s *server) run(t *testing.T, settings simulate.Settings) simulate.Summary {
	t.Helper()
	settings.URL = s.URL + "/hook?a=1"
	simulator, err := simulate.New(settings)
	if err != nil {
		t.Fatal(err)
	}
	summary, err := simulator.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return summary
}

func TestRequestLooksLikeGreenAPIs(t *testing.T) {
	t.Parallel()
	s := startServer(t, func(http.ResponseWriter, *http.Request) {})
	summary := s.run(t, simulate.Settings{Instances: 2, Count: 20, Token: "token"})
	if summary.Accepted != 40 || s.paths["/hook"] != 40 || summary.P50 <= 0 || summary.P50 > summary.P99 || summary.P99 > summary.Max {
		t.Errorf("summary %+v, paths %v", summary, s.paths)
	}
	if s.connections > 10 { // Two, but for those that were not free again in time.
		t.Errorf("%d connections for 40 requests of 2 instances", s.connections)
	}
	header := s.last.Header
	if s.last.Method != http.MethodPost || s.last.URL.RawQuery != "a=1" || s.last.ContentLength <= 0 ||
		header.Get("Authorization") != "Bearer token" || header.Get("Content-Type") != "application/json; charset=utf-8" ||
		!strings.HasPrefix(header.Get("User-Agent"), "GREEN-API (") {
		t.Errorf("request %s %s %v", s.last.Method, s.last.URL, header)
	}
}

func TestRedirectionIsNotFollowed(t *testing.T) {
	t.Parallel()
	s := startServer(t, http.RedirectHandler("/elsewhere", http.StatusPermanentRedirect).ServeHTTP)
	summary := s.run(t, simulate.Settings{Instances: 1, Count: 1, NoDrain: true})
	if summary.Pending != 1 || s.paths["/elsewhere"] != 0 || summary.Outcomes[0].String() != "308" {
		t.Errorf("summary %+v, paths %v", summary, s.paths)
	}
	if header := s.last.Header; header["Authorization"] != nil {
		t.Errorf("authorization %q without a token", header["Authorization"])
	}
}

func TestReasonsForNoAnswerAreToldWithoutAddresses(t *testing.T) {
	t.Parallel()
	broken := startServer(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		_, _ = io.WriteString(w, "{")
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	})
	gone := startServer(t, func(http.ResponseWriter, *http.Request) {})
	gone.Close()
	for want, s := range map[string]*server{"no answer: unexpected EOF": broken, "no answer: connection refused": gone} {
		summary := s.run(t, simulate.Settings{Instances: 1, Count: 1, NoDrain: true})
		if summary.Pending != 1 || summary.Outcomes[0].String() != want {
			t.Errorf("summary %+v, want %s", summary, want)
		}
	}
}

func TestAnswersOfStrangersAreMadeHarmless(t *testing.T) {
	t.Parallel()
	s := startServer(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadGateway)
		_, _ = io.WriteString(w, `{"code":"\u001b[31mred","message":"`+strings.Repeat("é", 5000)+`"}`)
	})
	summary := s.run(t, simulate.Settings{Instances: 1, Count: 1, NoDrain: true})
	if got := summary.Outcomes[0].String(); got != "502 \uFFFD[31mred" {
		t.Errorf("outcome %q", got)
	}
	if text := summary.String(); !strings.Contains(text, "not 200           1: 502 \uFFFD[31mred\n") {
		t.Errorf("summary\n%s", text)
	}
}
