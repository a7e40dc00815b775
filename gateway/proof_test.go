package gateway_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"sluice.internal/gateway"
	"sluice.internal/shared/source"
)

const signingSecret = "secret-for-signatures-0123"

// of is the settings of a gateway with one source of the provider, changed by the test.
func of(provider string, change ...func(*gateway.Source)) gateway.Settings {
	settings := greenAPI(func(from *gateway.Source) {
		*from = gateway.Source{Name: provider, Provider: source.Providers()[provider], Tokens: []string{signingSecret}}
	})
	for _, apply := range change {
		apply(&settings.Sources[0])
	}
	return settings
}

// signed makes a request one of the provider's senders, with the secret.
func signed(t testing.TB, provider, secret string, body []byte) func(*http.Request) {
	t.Helper()
	return func(request *http.Request) {
		draft := &source.Draft{URL: request.URL, Header: request.Header, Body: body, At: time.Now()}
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
	settings := of("github", func(from *gateway.Source) {
		from.Secrets = []source.Secret{{Text: "expired-secret-0123456789", Until: time.Now().Add(-time.Hour)}}
	})
	settings.Sources = append(settings.Sources, gateway.Source{
		Name: "other", Provider: source.Providers()["slack"], Tokens: []string{"secret-of-another-source"},
	})
	for cause, change := range map[string]func(*http.Request){
		source.CauseNoSignature:   header("X-None"),
		source.CauseMalformed:     header("X-Hub-Signature-256", "sha256=zz"),
		source.CauseWrongSecret:   signed(t, "github", "guessed", body),
		source.CauseOtherSource:   signed(t, "github", "secret-of-another-source", body),
		source.CauseExpiredSecret: signed(t, "github", "expired-secret-0123456789", body),
		source.CauseBodyAltered:   signed(t, "github", signingSecret, append(bytes.Clone(body), '\n')),
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

func TestMalformedProofsAreNeverAServersFault(t *testing.T) {
	t.Parallel()
	for name, provider := range source.Providers() {
		settings := of(name)
		if name == "standard-webhooks" {
			settings.Sources[0].Tokens = []string{"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}
		}
		running := start(t, settings, newMemory())
		for _, value := range []string{"", "=", "t=,v1=", "v1,", "sha256=", strings.Repeat("v1=0,", 5000), "\u00ff"} {
			for _, field := range []string{"Authorization", "X-Hub-Signature", "X-Hub-Signature-256", "X-Slack-Signature", "X-Slack-Request-Timestamp", "Stripe-Signature", "Webhook-Signature", "Webhook-Timestamp", "X-Dropbox-Signature", "X-Shopify-Hmac-Sha256"} {
				answer := running.do(t, http.MethodPost, provider.Path, strings.NewReader("{}"), header("Authorization"), header(field, value))
				if answer.StatusCode != http.StatusUnauthorized {
					t.Errorf("%s with %s: %.20q is answered %d", name, field, value, answer.StatusCode)
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
	if taken := running.UnverifiedTaken(); taken != 0 {
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
	settings := of("dropbox")
	settings.Sources = append(settings.Sources, gateway.Source{Name: "github", Provider: source.Providers()["github"], Tokens: []string{signingSecret}})
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
	if len(stored) != 2 || stored[0].Type != "messageStatus" || string(stored[0].Body) != body || len(rejected) != 4 {
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
	reading := source.Reading{Type: "header:X-Event", Instance: "/account", ID: []string{"header:x-id"}}
	running := start(t, of("generic", func(from *gateway.Source) { from.Reading, from.Observe = reading, true }), store)
	running.do(t, http.MethodPost, "/generic/webhook", strings.NewReader(`{"account":7}`),
		header("Authorization", "Bearer "+signingSecret), header("X-Event", "paid"), header("X-Id", "1"), header("X-Other", "2")).want(t, http.StatusOK)
	n := store.only(t)
	if n.Type != "paid" || n.Instance != "7" || n.Reading != reading.Encode() || !n.Observe || len(n.Header) != 2 || n.Header["X-Id"] != "1" {
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
	body := bytes.Repeat([]byte(" "), 1<<20)
	for range 20 {
		running.do(t, http.MethodPost, "/github/webhook", bytes.NewReader(body), signed(t, "github", signingSecret, body)).want(t, http.StatusOK)
		running.post(t, body).want(t, http.StatusOK)
	}
}

func TestBodiesOfStrangersAreBoundedTogether(t *testing.T) {
	t.Parallel()
	settings := of("github")
	settings.BodyLimit = 32 << 20 // So that two of them fill what there is.
	running := start(t, settings, newMemory())
	sent := make(chan error, 2)
	for range 2 {
		conn := running.dial(t)
		go func() {
			_, err := fmt.Fprintf(conn, "POST /github/webhook HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s",
				32<<20, strings.Repeat("x", 32<<20-1))
			sent <- err
		}()
	}
	for range 2 {
		if err := <-sent; err != nil {
			t.Fatal(err)
		}
	}
	until(t, func() bool {
		answer := running.do(t, http.MethodPost, "/github/webhook", strings.NewReader("{}"))
		if answer.StatusCode == http.StatusUnauthorized {
			return false // Not all has been read yet.
		}
		answer.wantRefusal(t, http.StatusServiceUnavailable, "store_busy")
		return true
	})
}
