package gateway_test

import (
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"sluice.internal/shared/config"
)

// challenging changes a source's challenge.
func challenging(challenge config.Challenge) func(*config.Source) {
	return func(s *config.Source) { s.Challenge = challenge }
}

func TestChallengeWithATokenIsAnsweredToWhoHasIt(t *testing.T) {
	t.Parallel()
	const token = "agreed-on-0123456789"
	store := newMemory()
	running := start(t, of("github", challenging(config.Challenge{
		Method: http.MethodGet, When: []string{"query:hub.mode=subscribe"}, Echo: "query:hub.challenge", PasswordAt: "query:hub.verify_token",
		Password: config.NewSecret(token),
	})), store)
	const asked = "/github/webhook?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token="
	if answer := running.do(t, http.MethodGet, asked+token, nil).want(t, http.StatusOK); answer.body != "1158201444" {
		t.Errorf("answered %q", answer.body)
	}
	running.do(t, http.MethodGet, asked+"guessed", nil).wantRefusal(t, http.StatusUnauthorized, "unauthorized")
	running.do(t, http.MethodGet, "/github/webhook", nil).wantRefusal(t, http.StatusMethodNotAllowed, "method_not_allowed")
	checkNoSecret(t, store.awaitRejection(t), "guessed")
	for _, line := range running.log.lines(t, slog.LevelDebug) {
		if strings.Contains(line, token) || strings.Contains(line, "guessed") {
			t.Errorf("a token is logged: %s", line)
		}
	}
}

func TestHeadIsAnsweredToSendersThatAskByIt(t *testing.T) {
	t.Parallel()
	running := start(t, of("github", challenging(config.Challenge{Method: http.MethodGet})), newMemory())
	running.do(t, http.MethodHead, "/github/webhook", nil).want(t, http.StatusOK)
	start(t, of("github"), newMemory()).do(t, http.MethodHead, "/github/webhook", nil).want(t, http.StatusMethodNotAllowed)
}

func TestUnsignedChallengeIsAnsweredAndNothingElseIs(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*config.Source){
		"a signature": func(*config.Source) {},
		"a token":     func(s *config.Source) { s.Provider, s.Path = "green-api", "/github/webhook" },
	} {
		store := newMemory()
		running := start(t, of("github", change, challenging(config.Challenge{
			Method: http.MethodPost, When: []string{"/webhook_id"}, Answer: "pong", Unsigned: true,
		})), store)
		form := header("Content-Type", "application/x-www-form-urlencoded")
		if answer := running.do(t, http.MethodPost, "/github/webhook", strings.NewReader("webhook_id=7"), form).want(t, http.StatusOK); answer.body != "pong" {
			t.Errorf("%s: answered %q", name, answer.body)
		}
		running.do(t, http.MethodPost, "/github/webhook", strings.NewReader("id=7"), form).wantRefusal(t, http.StatusUnauthorized, "unauthorized")
		if stored, _ := store.all(); len(stored) > 0 {
			t.Errorf("%s: stored %+v", name, stored[0])
		}
	}
}

func TestSenderIsAnsweredWhatItWantsAndTheReceiptIsInTheHeader(t *testing.T) {
	t.Parallel()
	store := newMemory()
	running := start(t, of("github", func(s *config.Source) {
		s.Answer = config.Answer{Status: 202, ContentType: "application/json", Body: `{"code":0}`}
	}), store)
	body := []byte(`{"zen":"x"}`)
	answer := running.do(t, http.MethodPost, "/github/webhook", strings.NewReader(string(body)), signed(t, "github", signingSecret, body)).want(t, http.StatusAccepted)
	if answer.body != `{"code":0}` || answer.Header.Get("Content-Type") != "application/json" || answer.Header.Get("Sluice-Receipt") == "" {
		t.Errorf("answered %q as %v", answer.body, answer.Header)
	}
	running.do(t, http.MethodPost, "/github/webhook", strings.NewReader(string(body))).wantRefusal(t, http.StatusUnauthorized, "unauthorized")
	store.only(t)
	empty := start(t, of("github", func(s *config.Source) { s.Answer = config.Answer{Status: 204} }), newMemory())
	if answer := empty.do(t, http.MethodPost, "/github/webhook", strings.NewReader(string(body)), signed(t, "github", signingSecret, body)).want(t, http.StatusNoContent); answer.body != "" {
		t.Errorf("answered %q", answer.body)
	}
}
