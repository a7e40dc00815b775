package gateway_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"sluice.internal/gateway"
	"sluice.internal/shared/config"
	"sluice.internal/shared/proof"
	"sluice.internal/shared/source"
)

const signingSecret = "secret-for-signatures-0123"

// of is the settings of a gateway with one source of the provider, changed by the test.
func of(provider string, change ...func(*config.Source)) gateway.Settings {
	return settingsOf(written(provider, signingSecret, change...))
}

// signed makes a request one of the provider's senders, with the secret.
func signed(t testing.TB, provider, secret string, body []byte) func(*http.Request) {
	t.Helper()
	return func(request *http.Request) {
		draft := &proof.Draft{URL: request.URL, Header: request.Header, Body: body, At: time.Now()}
		if announce := source.Providers()[provider].Announce; announce != nil {
			announce(draft, "")
		}
		if err := source.Providers()[provider].Proof.Sign(draft, secret); err != nil {
			t.Fatal(err)
		}
		request.URL = draft.URL
	}
}

func TestSignedBodyIsVerifiedToTheByteAsItCame(t *testing.T) {
	t.Parallel()
	store := newMemory()
	running := start(t, of("github"), store)
	path, body := "/github/webhook", []byte("{ \"zen\": \"\u00e9\", \"action\" : \"x\"}\n")
	running.do(t, http.MethodPost, path, bytes.NewReader(body), signed(t, "github", signingSecret, body)).want(t, http.StatusOK)
	n := store.only(t)
	if !bytes.Equal(n.Body, body) || n.Type != "ping.x" || n.Header["X-Github-Event"] != "ping" || n.Header["X-Github-Delivery"] == "" {
		t.Errorf("stored %+v", n)
	}
	if len(n.Header) != 2 {
		t.Errorf("carried %v", n.Header)
	}
	zipped := packed(string(body)) // What is signed is what is sent.
	running.do(t, http.MethodPost, path, bytes.NewReader(zipped), signed(t, "github", signingSecret, zipped), header("Content-Encoding", "gzip")).want(t, http.StatusOK)
	if stored, _ := store.all(); !bytes.Equal(stored[1].Body, body) {
		t.Errorf("stored %q", stored[1].Body)
	}
}

func TestRefusalsOfSignaturesLookAlikeAndTheOperatorLearnsWhy(t *testing.T) {
	t.Parallel()
	body := []byte(`{"a":1}`)
	expired := func(from *config.Source) {
		from.Secrets = []config.Credential{{
			Secret: config.NewSecret("expired-secret-0123456789"), Until: time.Now().Add(-time.Hour),
		}}
	}
	settings := settingsOf(written("github", signingSecret, expired), written("slack", "secret-of-another-source"))
	for cause, change := range map[string]func(*http.Request){
		proof.CauseNoSignature:   header("X-None"),
		proof.CauseMalformed:     header("X-Hub-Signature-256", "sha256=zz"),
		proof.CauseWrongSecret:   signed(t, "github", "guessed", body),
		proof.CauseOtherSource:   signed(t, "github", "secret-of-another-source", body),
		proof.CauseExpiredSecret: signed(t, "github", "expired-secret-0123456789", body),
		proof.CauseBodyAltered:   signed(t, "github", signingSecret, append(bytes.Clone(body), '\n')),
	} {
		t.Run(cause, func(t *testing.T) {
			t.Parallel()
			store := newMemory()
			running := start(t, settings, store)
			answer := running.do(t, http.MethodPost, "/github/webhook", bytes.NewReader(body), change)
			answer.wantRefusal(t, http.StatusUnauthorized, "unauthorized")
			if strings.Contains(answer.body, cause) {
				t.Errorf("the sender is told %s", answer.body)
			}
			kept := store.awaitRejection(t)
			if kept.Cause != cause || kept.Detail == "" || !bytes.Equal(kept.Body, body) {
				t.Errorf("kept %q (%s), want %q", kept.Cause, kept.Detail, cause)
			}
			for _, secret := range []string{signingSecret, "secret-of-another-source", "expired-secret-0123456789"} {
				if strings.Contains(fmt.Sprint(kept), secret) {
					t.Error("a secret is kept")
				}
			}
			if line := running.log.await(t, "request refused", cause); !strings.Contains(line, `"level":"WARN"`) {
				t.Errorf("logged %s", line)
			}
		})
	}
}

// rsaKey is a public key.
func rsaKey(t *testing.T) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(der)
}

func TestMalformedProofsAreNeverAServersFault(t *testing.T) {
	t.Parallel()
	for name, provider := range source.Providers() {
		settings := of(name, func(from *config.Source) {
			switch name {
			case "standard-webhooks":
				from.Token = config.NewSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
			case "twilio":
				from.PublicURL = "https://hooks.example.org"
			case "discord":
				from.Token = config.NewSecret(strings.Repeat("5f", 32))
			case "paypal":
				from.Token, from.Signature.Signed = config.NewSecret(rsaKey(t)), "{id}|{timestamp}|4JH8|{body:crc32}"
			}
		})
		running := start(t, settings, newMemory())
		for _, value := range []string{"", "=", "t=,v1=", "v1,", "sha256=", strings.Repeat("v1=0,", 2000), "\u00ff"} {
			for _, field := range []string{"Authorization", "X-Hub-Signature", "X-Hub-Signature-256", "X-Slack-Signature", "X-Slack-Request-Timestamp", "Stripe-Signature", "Webhook-Signature", "Webhook-Timestamp", "X-Dropbox-Signature", "X-Shopify-Hmac-Sha256"} {
				request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, provider.Path, strings.NewReader("{}"))
				request.Header.Set(field, value)
				if status := serve(running.Handler(), request); status != http.StatusUnauthorized {
					t.Errorf("%s with %s: %.20q is answered %d", name, field, value, status)
				}
			}
		}
	}
}

func TestBodyThatIsTooLargeIsRefusedBeforeItIsVerified(t *testing.T) {
	t.Parallel()
	settings := of("github")
	settings.BodyLimit = 1000
	store := newMemory()
	running := start(t, settings, store)
	body := bytes.Repeat([]byte("x"), 1001)
	running.do(t, http.MethodPost, "/github/webhook", bytes.NewReader(body), signed(t, "github", signingSecret, body)).
		wantRefusal(t, http.StatusRequestEntityTooLarge, "body_too_large")
	running.do(t, http.MethodPost, "/github/webhook", unsized{bytes.NewReader(body)}).want(t, http.StatusRequestEntityTooLarge)
	if taken := running.BodiesTaken(); taken != 0 {
		t.Errorf("%d bytes are still taken", taken)
	}
}

func TestSlacksChallengeIsAnsweredAndNotStored(t *testing.T) {
	t.Parallel()
	store := newMemory()
	running := start(t, of("slack"), store)
	body := []byte(`{"token":"x","challenge":"3eZbrw1a","type":"url_verification"}`)
	answer := running.do(t, http.MethodPost, "/slack/webhook", bytes.NewReader(body), signed(t, "slack", signingSecret, body)).want(t, http.StatusOK)
	if answer.body != "3eZbrw1a" || !strings.HasPrefix(answer.Header.Get("Content-Type"), "text/plain") || answer.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("answered %q as %v", answer.body, answer.Header)
	}
	running.do(t, http.MethodPost, "/slack/webhook", bytes.NewReader(body), signed(t, "slack", "guessed", body)).want(t, http.StatusUnauthorized)
	if stored, _ := store.all(); len(stored) > 0 {
		t.Errorf("stored %+v", stored[0])
	}
}

func TestDropboxsChallengeIsAnsweredAtItsPathAlone(t *testing.T) {
	t.Parallel()
	settings := settingsOf(written("dropbox", signingSecret), written("github", signingSecret))
	running := start(t, settings, newMemory())
	const challenge = "<script>alert(1)</script>"
	for _, path := range []string{"/dropbox/webhook", "/dropbox/webhook/"} {
		answer := running.do(t, http.MethodGet, path+"?challenge="+url.QueryEscape(challenge), nil).want(t, http.StatusOK)
		if answer.body != challenge || !strings.HasPrefix(answer.Header.Get("Content-Type"), "text/plain") || answer.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("answered %q as %v", answer.body, answer.Header)
		}
	}
	running.do(t, http.MethodGet, "/dropbox/webhook", nil).wantRefusal(t, http.StatusMethodNotAllowed, "method_not_allowed")
	running.do(t, http.MethodGet, "/github/webhook?challenge=x", nil).want(t, http.StatusMethodNotAllowed)
	elsewhere := of("dropbox", allowing("192.0.2.0/24"))
	start(t, elsewhere, newMemory()).do(t, http.MethodGet, "/dropbox/webhook?challenge=x", nil).want(t, http.StatusForbidden)
}

func TestSecretInThePathIsNeitherKeptNorLogged(t *testing.T) {
	t.Parallel()
	store := newMemory()
	running := start(t, of("sms-by"), store)
	form := header("Content-Type", "application/x-www-form-urlencoded")
	const body = "channel=VIBER&message_id=2892295&status=SENT"
	for _, path := range []string{"/sms-by/webhook/" + signingSecret, "/sms-by/webhook/" + signingSecret + "/"} {
		running.do(t, http.MethodPost, path, strings.NewReader(body), form).want(t, http.StatusOK)
	}
	const guess = "guessed-or-mistyped-secret"
	for _, path := range []string{"/sms-by/webhook/" + guess, "/sms-by/webhook/" + guess + "/"} {
		running.do(t, http.MethodPost, path, strings.NewReader(body), form).want(t, http.StatusUnauthorized)
	}
	running.do(t, http.MethodPost, "/sms-by/webhook", strings.NewReader(body), form).want(t, http.StatusUnauthorized)
	running.do(t, http.MethodPost, "/sms-by/webhook/"+signingSecret+"/more", strings.NewReader(body), form).want(t, http.StatusNotFound)
	running.do(t, http.MethodGet, "/sms-by/webhook/"+signingSecret, nil).want(t, http.StatusMethodNotAllowed)
	if err := running.stop(); err != nil {
		t.Fatal(err)
	}
	stored, rejected := store.all()
	if len(stored) != 2 || stored[0].Type != "messageStatus" || string(stored[0].Body) != body || len(rejected) != 5 {
		t.Fatalf("%d stored, %d rejected", len(stored), len(rejected))
	}
	for _, kept := range rejected {
		if strings.Contains(kept.Path, "guessed") || strings.Contains(kept.Path, signingSecret) {
			t.Errorf("path %q is kept", kept.Path)
		}
	}
	for _, text := range []string{guess, signingSecret} {
		if lines := running.log.lines(t, -8, text); len(lines) > 0 {
			t.Errorf("logged %s", lines)
		}
	}
}

func TestWhatAGenericSourceReadsTravelsWithItsNotifications(t *testing.T) {
	t.Parallel()
	store := newMemory()
	mapping := config.Mapping{Type: "header:X-Event", Instance: "/account", ID: []string{"header:x-id"}}
	settings := of("generic", func(from *config.Source) { from.Read, from.Mode = mapping, config.ModeQuarantine })
	running := start(t, settings, store)
	running.do(t, http.MethodPost, "/generic/webhook", strings.NewReader(`{"account":7}`),
		header("Authorization", "Bearer "+signingSecret), header("X-Event", "paid"), header("X-Id", "1"), header("X-Other", "2")).want(t, http.StatusOK)
	n := store.only(t)
	if n.Type != "paid" || n.Instance != "7" || n.Mapping != settings.Sources[0].Mapping || !n.Quarantine || len(n.Header) != 2 || n.Header["X-Id"] != "1" {
		t.Errorf("stored %+v", n)
	}
}

func TestSlowStrangersHoldUpNobody(t *testing.T) {
	t.Parallel()
	settings := of("github")
	settings.Sources = append(settings.Sources, greenAPI().Sources...)
	running := start(t, settings, newMemory())
	for range 100 { // Each may become as long as the limit, which together is more than there is memory for.
		conn := running.dial(t)
		fmt.Fprint(conn, "POST /github/webhook HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n")
		fmt.Fprint(running.dial(t), "POST /github/webhook HTTP/1.1\r\nHost: x\r\nContent-Length: 8000000\r\n\r\n{")
	}
	body := blank(1 << 20)
	for range 20 {
		running.do(t, http.MethodPost, "/github/webhook", bytes.NewReader(body), signed(t, "github", signingSecret, body)).want(t, http.StatusOK)
		running.post(t, body).want(t, http.StatusOK)
	}
}

// generic is the settings of a gateway with a source of provider generic, changed by the test.
func generic(change ...func(*config.Source)) gateway.Settings {
	return settingsOf(written("generic", signingSecret, append(change, func(s *config.Source) { s.Read.Type = "/type" })...))
}

func TestTokenInTheQueryIsNeitherKeptNorLogged(t *testing.T) {
	t.Parallel()
	store := newMemory()
	settings := generic(func(s *config.Source) { s.Auth, s.TokenParameter = config.AuthQuery, "key" })
	running := start(t, settings, store)
	const guessed = "guessed-token-0123456789"
	running.do(t, http.MethodPost, "/generic/webhook?a=1&key="+signingSecret, strings.NewReader(`{"type":"a"}`)).want(t, http.StatusOK)
	store.only(t)
	running.do(t, http.MethodPost, "/generic/webhook?key="+guessed, strings.NewReader(`{"type":"a"}`)).wantRefusal(t, http.StatusUnauthorized, "unauthorized")
	kept := store.awaitRejection(t)
	checkNoSecret(t, kept, guessed)
	if kept.Cause != proof.CauseWrongToken || kept.Query != "" {
		t.Errorf("kept %+v", kept)
	}
	for _, line := range running.log.lines(t, slog.LevelDebug) {
		if strings.Contains(line, signingSecret) || strings.Contains(line, guessed) {
			t.Errorf("a token is logged: %s", line)
		}
	}
	// Once it is the right one, what was refused is let in.
	for secret, want := range map[string]bool{guessed: true, "another-token-0123456789": false} {
		now := settingsOf(written("generic", secret, func(s *config.Source) {
			s.Auth, s.TokenParameter, s.Read.Type = config.AuthQuery, "key", "/type"
		}))
		if n, err := reviewOf(now).Notification(kept, "", false); (err == nil) != want {
			t.Errorf("with %s: %+v, %v", secret, n, err)
		}
	}
}

func TestOneOfSeveralWaysIsEnough(t *testing.T) {
	t.Parallel()
	store := newMemory()
	running := start(t, generic(func(s *config.Source) {
		s.Auth, s.Also = config.AuthToken, []config.Scheme{
			{Auth: config.AuthSignature, Signature: config.Signature{Header: "X-Sign"}, Credential: config.Credential{Secret: config.NewSecret("second-secret-0123456789")}},
			{Auth: config.AuthPath, Credential: config.Credential{Secret: config.NewSecret("third-secret-0123456789")}},
			{Auth: config.AuthBody, TokenAt: "/secret", Credential: config.Credential{Secret: config.NewSecret("fourth-secret-0123456789")}},
		}
	}), store)
	const body = `{"type":"a"}`
	mac := hmac.New(sha256.New, []byte("second-secret-0123456789"))
	mac.Write([]byte(body))
	running.do(t, http.MethodPost, "/generic/webhook", strings.NewReader(body), header("Authorization", signingSecret)).want(t, http.StatusOK)
	running.do(t, http.MethodPost, "/generic/webhook", strings.NewReader(body), header("X-Sign", hex.EncodeToString(mac.Sum(nil)))).want(t, http.StatusOK)
	running.do(t, http.MethodPost, "/generic/webhook/third-secret-0123456789", strings.NewReader(body)).want(t, http.StatusOK)
	running.do(t, http.MethodPost, "/generic/webhook", strings.NewReader(`{"type":"a","secret":"fourth-secret-0123456789"}`)).want(t, http.StatusOK)
	for name, refused := range map[string]reply{
		"nothing":                 running.do(t, http.MethodPost, "/generic/webhook", strings.NewReader(body)),
		"another way's secret":    running.do(t, http.MethodPost, "/generic/webhook/"+signingSecret, strings.NewReader(body)),
		"a signature of another":  running.do(t, http.MethodPost, "/generic/webhook", strings.NewReader(body+" "), header("X-Sign", hex.EncodeToString(mac.Sum(nil)))),
		"a wrong token in a body": running.do(t, http.MethodPost, "/generic/webhook", strings.NewReader(`{"type":"a","secret":"guessed"}`)),
	} {
		if refused.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s is answered %d", name, refused.StatusCode)
		}
	}
	if stored, _ := store.all(); len(stored) != 4 {
		t.Errorf("%d are stored", len(stored))
	}
}

func TestSignatureOfTheURLIsVerifiedByThePublicOneAlsoOfWhatWasRefused(t *testing.T) {
	t.Parallel()
	store := newMemory()
	signs := func(s *config.Source) {
		s.Auth, s.PublicURL = config.AuthSignature, "https://hooks.example.org"
		s.Signature = config.Signature{Header: "X-Sign", Signed: "{url}{body}"}
	}
	running := start(t, generic(signs), store)
	const body = `{"type":"a"}`
	sign := func(secret, url string) func(*http.Request) {
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write([]byte(url + body))
		return header("X-Sign", hex.EncodeToString(mac.Sum(nil)))
	}
	const path = "/generic/webhook?shop=7"
	running.do(t, http.MethodPost, path, strings.NewReader(body), sign(signingSecret, "https://hooks.example.org"+path)).want(t, http.StatusOK)
	running.do(t, http.MethodPost, path, strings.NewReader(body), sign(signingSecret, running.url(path))).want(t, http.StatusUnauthorized)
	kept := store.awaitRejection(t)
	if kept.Query != "shop=7" {
		t.Errorf("kept %+v", kept)
	}
	elsewhere := generic(signs, func(s *config.Source) { s.PublicURL = "http://" + running.Address() })
	if _, err := reviewOf(elsewhere).Notification(kept, "", false); err != nil {
		t.Errorf("once the URL is right: %v", err)
	}
	if _, err := reviewOf(generic(signs)).Notification(kept, "", false); err == nil {
		t.Error("it is let in by the wrong URL")
	}
}
