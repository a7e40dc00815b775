package gateway_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"sluice.internal/gateway"
	"sluice.internal/shared/config"
	"sluice.internal/shared/notification"
	"sluice.internal/shared/proof"
	"sluice.internal/shared/source"
)

func TestFailuresOfAnAddressAreLimitedAndWhatIsRightAlwaysPasses(t *testing.T) {
	t.Parallel()
	store := newMemory()
	running := start(t, of("github"), store)
	body := []byte(`{"zen":"x"}`)
	wrong, right := signed(t, "github", "guessed", body), signed(t, "github", signingSecret, body)
	limited := 0
	for range 1000 {
		request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/github/webhook", bytes.NewReader(body))
		request.RemoteAddr = "127.0.0.1:1" // Without connections they are fast.
		wrong(request)
		recorded := httptest.NewRecorder()
		running.Handler().ServeHTTP(recorded, request)
		answer := reply{recorded.Result(), recorded.Body.String()}
		if answer.StatusCode == http.StatusTooManyRequests {
			answer.wantRefusal(t, http.StatusTooManyRequests, "too_many_failures")
			if answer.Header.Get("Retry-After") == "" {
				t.Error("the client is not told when to come again")
			}
			limited++
			running.do(t, http.MethodPost, "/github/webhook", bytes.NewReader(body), right).want(t, http.StatusOK)
			if limited == 3 {
				break
			}
		}
	}
	if limited == 0 {
		t.Error("nothing was limited")
	}
}

func TestFloodOfStrangersDoesNotHideThatASendersSecretIsSuddenlyWrong(t *testing.T) {
	t.Parallel()
	store := newMemory()
	settings := of("github")
	settings.TrustedProxies = parsed([]string{"127.0.0.1/32"})
	running := start(t, settings, store)
	body := []byte(`{"zen":"x"}`)
	from := func(address, secret string) reply {
		return running.do(t, http.MethodPost, "/github/webhook", bytes.NewReader(body),
			signed(t, "github", secret, body), header("X-Forwarded-For", address))
	}
	from("192.0.2.1", signingSecret).want(t, http.StatusOK)
	for i := range 300 { // Each of another network, so that no limit of an address stops them. Without connections they are fast.
		request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/github/webhook", bytes.NewReader(body))
		request.RemoteAddr = "127.0.0.1:1"
		request.Header.Set("X-Forwarded-For", fmt.Sprintf("2001:db8:%x::1", i))
		signed(t, "github", "guessed", body)(request)
		serve(running.Handler(), request)
	}
	from("192.0.2.1", "rotated").want(t, http.StatusUnauthorized)
	if err := running.stop(); err != nil {
		t.Fatal(err)
	}
	_, kept := store.all()
	if !slices.ContainsFunc(kept, func(r *notification.Rejection) bool { return r.RemoteAddress == "192.0.2.1" }) {
		t.Error("the sender's rejection is not kept")
	}
	if _, skipped := summedUp(kept); skipped == 0 {
		t.Error("the flood was kept as a whole")
	}
}

func TestAmbiguousRequestsAreRefusedAndNothingIsStored(t *testing.T) {
	t.Parallel()
	store := newMemory()
	running := start(t, greenAPI(), store)
	const opening = "POST " + hookPath + " HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + token + "\r\n"
	for sentence, rest := range map[string]string{
		"two lengths":                   "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{} ",
		"two lengths in one field":      "Content-Length: 2, 3\r\n\r\n{} ",
		"a length with a sign":          "Content-Length: +2\r\n\r\n{}",
		"a negative length":             "Content-Length: -2\r\n\r\n{}",
		"a length that is no number":    "Content-Length: 0x2\r\n\r\n{}",
		"an unknown coding":             "Transfer-Encoding: xchunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
		"two codings":                   "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
		"a coding hidden by a space":    "Transfer-Encoding : chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
		"a field without a name":        ": b\r\nContent-Length: 2\r\n\r\n{}",
		"a name with a control byte":    "X\x01A: b\r\nContent-Length: 2\r\n\r\n{}",
		"a value with a zero byte":      "X-A: b\x00c\r\nContent-Length: 2\r\n\r\n{}",
		"two hosts":                     "Host: y\r\nContent-Length: 2\r\n\r\n{}",
		"a chunk whose size is wrong":   "Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
		"a chunk whose size is huge":    "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n{}\r\n0\r\n\r\n",
		"a chunk that is longer":        "Transfer-Encoding: chunked\r\n\r\n1\r\n{}\r\n0\r\n\r\n",
		"chunks with endless additions": "Transfer-Encoding: chunked\r\n\r\n2;" + strings.Repeat("a", 64<<10) + "\r\n{}\r\n0\r\n\r\n",
		"a header that is too large":    "X-A: " + strings.Repeat("a", 200<<10) + "\r\n\r\n",
		"too many fields":               strings.Repeat("X-A: b\r\n", 20_000) + "\r\n",
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			conn := running.dial(t)
			go func() { _, _ = io.WriteString(conn, opening+rest) }() // It may be refused before all is written.
			content, _ := io.ReadAll(conn)
			if len(content) == 0 {
				return // The connection was reset.
			}
			status := string(content[:min(len(content), len("HTTP/1.1 400"))])
			// A coding that is not known is 501 (RFC 9112, section 6.1), and that alone.
			unknown := strings.Contains(sentence, "coding") && status == "HTTP/1.1 501"
			if !unknown && !strings.HasPrefix(status, "HTTP/1.1 4") {
				t.Errorf("answered %q", content)
			}
		})
	}
	t.Cleanup(func() {
		if stored, _ := store.all(); len(stored) > 0 {
			t.Errorf("stored %q", stored[0].Body)
		}
	})
}

func TestLengthBesideChunksLeavesNothingForAnotherRequest(t *testing.T) {
	t.Parallel()
	store := newMemory()
	conn := start(t, greenAPI(), store).dial(t)
	const smuggled = "POST " + hookPath + " HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + token + "\r\nContent-Length: 2\r\n\r\n[]"
	_, err := io.WriteString(conn, "POST "+hookPath+" HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "+token+
		"\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"+smuggled)
	if err != nil {
		t.Fatal(err)
	}
	content, _ := io.ReadAll(conn) // The server closes the connection, whatever follows.
	if answers := strings.Count(string(content), "HTTP/1.1 "); answers != 1 {
		t.Errorf("%d answers: %s", answers, content)
	}
	if body := string(store.only(t).Body); body != "{}" {
		t.Errorf("stored %q", body)
	}
}

func TestFoldedFieldIsNoFieldOfItsOwn(t *testing.T) {
	t.Parallel()
	store := newMemory()
	conn := start(t, greenAPI(), store).dial(t)
	ask(t, conn, "Connection: close", "X-A: b\r\n Content-Length: 1\r\n Authorization: c", "Content-Length: 2")
	_, _ = io.WriteString(conn, "{}")
	readAnswer(t, conn).want(t, http.StatusOK)
	if body := string(store.only(t).Body); body != "{}" {
		t.Errorf("stored %q", body)
	}
}

func TestRejectionIsAcceptedByTheConfigurationThatIsRight(t *testing.T) {
	t.Parallel()
	body := []byte(`{"zen":"x"}`)
	for sentence, test := range map[string]struct {
		provider     string
		sent         string
		was, is      func(*config.Source)
		stillRefused string
	}{
		"signature": {"github", "right-secret-0123456789", secretIs("wrong"), secretIs("right-secret-0123456789"), ""},
		"token":     {"green-api", "right-secret-0123456789", secretIs("wrong"), secretIs("right-secret-0123456789"), ""},
		"path":      {"sms-by", "right-secret-0123456789", secretIs("wrong"), secretIs("right-secret-0123456789"), ""},
		"another header": {"generic", "right-secret-0123456789", secretIs("wrong"), func(from *config.Source) {
			secretIs("right-secret-0123456789")(from)
			from.Auth, from.TokenHeader = config.AuthHeader, "authorization"
		}, ""},
		"still wrong":       {"github", "right-secret-0123456789", secretIs("wrong"), secretIs("wrong too"), proof.CauseWrongSecret},
		"token still wrong": {"green-api", "right-secret-0123456789", secretIs("wrong"), secretIs("wrong-too"), proof.CauseWrongToken},
		"address": {"github", "right-secret-0123456789", func(from *config.Source) {
			secretIs("right-secret-0123456789")(from)
			allowing("192.0.2.0/24")(from)
		}, secretIs("right-secret-0123456789"), ""},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			store := newMemory()
			running := start(t, of(test.provider, test.was), store)
			began := time.Now()
			running.do(t, http.MethodPost, source.Providers()[test.provider].Path, bytes.NewReader(body), header("Authorization"),
				signed(t, test.provider, test.sent, body), header("Content-Type", "application/json"))
			kept := store.awaitRejection(t)
			checkNoSecret(t, kept, test.sent)
			review := reviewOf(of(test.provider, test.is))
			n, err := review.Notification(kept, "", false)
			if test.stillRefused != "" {
				if err == nil || !strings.Contains(err.Error(), test.stillRefused) {
					t.Errorf("accepted %v: %v", n, err)
				}
				if n, err = review.Notification(kept, "", true); err != nil {
					t.Fatalf("not even by force: %v", err)
				}
			}
			if err != nil {
				t.Fatal(err)
			}
			checkAccepted(t, n, kept)
			if !bytes.Equal(n.Body, body) || n.ReceivedAt.Before(began.Add(-time.Second)) {
				t.Errorf("notification %+v", n)
			}
		})
	}
}

func reviewOf(settings gateway.Settings) *gateway.Review {
	return gateway.NewReview(settings.Sources, int64(settings.BodyLimit))
}

// checkAccepted compares a notification with the rejection that it was.
func checkAccepted(t *testing.T, n *notification.Notification, kept *notification.Rejection) {
	t.Helper()
	if n.Source != kept.Source || n.RequestID != kept.RequestID || n.ContentType != "application/json" || !n.ReceivedAt.Equal(kept.ReceivedAt) {
		t.Errorf("notification %+v of %+v", n, kept)
	}
	if n.Provider == "github" && (n.Type != "ping" || n.Header["X-Github-Delivery"] == "") {
		t.Errorf("notification %+v", n)
	}
}

func secretIs(secret string) func(*config.Source) {
	return func(from *config.Source) { from.Token = config.NewSecret(secret) }
}

// Where a GET is a notification, one that was refused is let in once the secret is right: with the query as its form, and by the
// digest of the secret that was in its path.
func TestRefusedGETIsLetInOnceItsSecretIsRight(t *testing.T) {
	t.Parallel()
	const secret, query = "a-secret-that-was-not-known-then", "channel=VIBER&message_id=6&status=SENT"
	store := newMemory()
	running := start(t, of("sms-by"), store)
	running.do(t, http.MethodGet, "/sms-by/webhook/"+secret+"?"+query, nil).want(t, http.StatusUnauthorized)
	kept := store.awaitRejection(t)
	checkNoSecret(t, kept, secret)
	if _, err := reviewOf(of("sms-by")).Notification(kept, "", false); err == nil || !strings.Contains(err.Error(), "wrong-token") {
		t.Errorf("with the secret of before: %v", err)
	}
	n, err := reviewOf(of("sms-by", secretIs(secret))).Notification(kept, "", false)
	if err != nil || string(n.Body) != query || n.ContentType != "application/x-www-form-urlencoded" || n.Type != "messageStatus" {
		t.Errorf("with the right one: %+v, %v", n, err)
	}
}

func TestRejectionsThatCanNotBeAcceptedSayWhy(t *testing.T) {
	t.Parallel()
	review := reviewOf(of("github"))
	for want, rejection := range map[string]notification.Rejection{
		`no source "gitlab"; it has github`: {Source: "gitlab", Method: "POST"},
		"only the beginning":                {Source: "github", Method: "POST", Truncated: true},
		"not kept":                          {Source: "github", Skipped: 3},
		`it is "PUT"`:                       {Source: "github", Method: "PUT"},
		`it is "GET"`:                       {Source: "github", Method: "GET"},
		"no-signature":                      {Source: "github", Method: "POST"},
	} {
		if n, err := review.Notification(&rejection, "", false); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v, error %v, want %q", n, err, want)
		}
	}
	challenge := notification.Rejection{Source: "slack", Method: "POST", Body: []byte(`{"type":"url_verification","challenge":"x"}`)}
	review = reviewOf(of("slack"))
	if _, err := review.Notification(&challenge, "", true); err == nil || !strings.Contains(err.Error(), "no notification") {
		t.Errorf("a challenge: %v", err)
	}
}

func checkNoSecret(t *testing.T, kept *notification.Rejection, secret string) {
	t.Helper()
	if text := strings.Join(flat(kept), "\n"); strings.Contains(text, secret) {
		t.Errorf("the secret is kept: %s", text)
	}
}

func flat(kept *notification.Rejection) []string {
	texts := []string{kept.Detail, kept.Path, kept.ContentType}
	for name, values := range kept.Header {
		texts = append(append(texts, name), values...)
	}
	for name, value := range kept.TokenDigests {
		texts = append(texts, name, value)
	}
	return texts
}
