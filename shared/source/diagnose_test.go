package source_test

import (
	"bytes"
	"compress/gzip"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"
	"time"

	"sluice.internal/shared/source"
)

func code(secret, text string) []byte {
	sum := hmac.New(sha256.New, []byte(secret))
	sum.Write([]byte(text))
	return sum.Sum(nil)
}

func signed(header, value string) http.Header { return http.Header{header: {value}} }

func TestDiagnosisFindsTheUsualMistakes(t *testing.T) {
	t.Parallel()
	const hub, shop = "X-Hub-Signature-256", "X-Shopify-Hmac-Sha256"
	var (
		hexOf = func(secret, text string) string { return hex.EncodeToString(code(secret, text)) }
		b64Of = func(secret, text string) string { return base64.StdEncoding.EncodeToString(code(secret, text)) }
		weak  = hmac.New(sha1.New, []byte(secret))
	)
	weak.Write([]byte(body))
	for sentence, test := range map[string]struct {
		provider string
		header   http.Header
		cause    string
		says     string
	}{
		"nothing":                    {"github", http.Header{}, source.CauseNoSignature, hub},
		"another provider's header":  {"github", signed("X-Slack-Signature", "v0=1"), source.CauseWrongHeader, "X-Slack-Signature"},
		"a header of others":         {"dropbox", signed("X-Signature", "1"), source.CauseWrongHeader, "X-Signature"},
		"twice":                      {"github", http.Header{hub: {"sha256=1", "sha256=2"}}, source.CauseMalformed, "more than one"},
		"no prefix":                  {"github", signed(hub, hexOf(secret, body)), source.CauseNoPrefix, `"sha256="`},
		"another prefix":             {"github", signed(hub, "sha1="+hex.EncodeToString(weak.Sum(nil))), source.CauseNoPrefix, `"sha256="`},
		"base64 for hex":             {"github", signed(hub, "sha256="+b64Of(secret, body)), source.CauseBase64ForHex, hub},
		"hex for base64":             {"shopify", signed(shop, hexOf(secret, body)), source.CauseHexForBase64, shop},
		"cut off":                    {"github", signed(hub, "sha256="+hexOf(secret, body)[:30]), source.CauseMalformed, "15 bytes"},
		"another hash":               {"dropbox", signed("X-Dropbox-Signature", hex.EncodeToString(weak.Sum(nil))), source.CauseMalformed, "20 bytes"},
		"no hex at all":              {"github", signed(hub, "sha256=<secret>"), source.CauseMalformed, "hex"},
		"no time":                    {"slack", signed("X-Slack-Signature", "v0="+hexOf(secret, "v0::"+body)), source.CauseMalformed, "X-Slack-Request-Timestamp"},
		"no time in Stripe's header": {"stripe", signed("Stripe-Signature", "v1="+hexOf(secret, "."+body)), source.CauseMalformed, "t="},
		"an expired secret":          {"github", signed(hub, "sha256="+hexOf("expired-secret", body)), source.CauseExpiredSecret, "secret 2"},
		"a secret of the future":     {"github", signed(hub, "sha256="+hexOf("future-secret", body)), source.CauseExpiredSecret, "only from"},
		"another source's secret":    {"github", signed(hub, "sha256="+hexOf(otherSecret, body)), source.CauseOtherSource, `"other"`},
		"any other secret":           {"github", signed(hub, "sha256="+hexOf("guessed", body)), source.CauseWrongSecret, hub},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			v := verifier(t, source.Providers()[test.provider].Proof, source.Secret{Text: secret},
				source.Secret{Text: "expired-secret", Until: now.Add(-time.Hour)}, source.Secret{Text: "future-secret", From: now.Add(time.Hour)})
			others := map[string]*source.Verifier{"other": verifier(t, source.Token("X"), source.Secret{Text: otherSecret})}
			request := &source.Request{Header: test.header, Body: []byte(body), At: now}
			if v.Verify(request).OK {
				t.Fatal("accepted")
			}
			got := v.Diagnose(request, others)
			if got.Cause != test.cause || !strings.Contains(got.Detail, test.says) {
				t.Errorf("%s (%s), want %s with %q", got.Cause, got.Detail, test.cause, test.says)
			}
			for _, text := range []string{secret, otherSecret, "expired-secret", "future-secret"} {
				if strings.Contains(got.Detail, text) {
					t.Errorf("%s tells a secret", got.Detail)
				}
			}
		})
	}
}

func TestDiagnosisKnowsWhatBodiesGoThrough(t *testing.T) {
	t.Parallel()
	var packed bytes.Buffer
	writer := gzip.NewWriter(&packed)
	_, _ = writer.Write([]byte(body))
	_ = writer.Close()
	v := verifier(t, source.Providers()["dropbox"].Proof, source.Secret{Text: secret})
	for sentence, test := range map[string]struct{ sent, came string }{
		"a line end behind":       {body, body + "\n"},
		"two line ends behind":    {body, body + "\r\n"},
		"a line end taken away":   {body + "\n", body},
		"compacted":               {`{"b":1,"a":[2,3]}`, `{"b": 1, "a": [2, 3]}`},
		"indented":                {"{\n  \"b\": 1\n}", `{"b":1}`},
		"spaced as Python does":   {`{"b": 1, "a": "x"}`, `{"b":1,"a":"x"}`},
		"sorted by something":     {`{"a":2,"b":1}`, `{"b":1,"a":2}`},
		"with line ends of DOS":   {"{\n}", "{\r\n}"},
		"unpacked by nobody":      {body, packed.String()},
		"read before it was seen": {"", body},
	} {
		request := &source.Request{Header: signed("X-Dropbox-Signature", hex.EncodeToString(code(secret, test.sent))), Body: []byte(test.came), At: now}
		if got := v.Diagnose(request, nil); got.Cause != source.CauseBodyAltered {
			t.Errorf("%s: %s (%s)", sentence, got.Cause, got.Detail)
		}
	}
}

func TestDiagnosisTellsByHowMuchClocksDiffer(t *testing.T) {
	t.Parallel()
	w := ways(t)["stripe"]
	v := verifier(t, w.proof, source.Secret{Text: w.secret})
	for offset, says := range map[time.Duration]string{-time.Hour: "3600 seconds behind", 2 * time.Hour: "7200 seconds ahead"} {
		if got := v.Diagnose(w.made(t, w.secret, now.Add(offset)), nil); got.Cause != source.CauseClockSkew || !strings.Contains(got.Detail, says) {
			t.Errorf("%s: %s (%s)", offset, got.Cause, got.Detail)
		}
		if got := v.Diagnose(w.made(t, w.other, now.Add(offset)), nil); got.Cause != source.CauseWrongSecret {
			t.Errorf("%s and a wrong secret: %s", offset, got.Cause)
		}
	}
}

func TestDiagnosisOfTokens(t *testing.T) {
	t.Parallel()
	all := ways(t)
	for sentence, test := range map[string]struct {
		way     string
		request *source.Request
		cause   string
	}{
		"the header of something else": {"header", &source.Request{Header: signed("Authorization", "Bearer x")}, source.CauseWrongHeader},
		"nothing in the path":          {"sms-by", &source.Request{}, source.CauseMissingToken},
		"a wrong one in the path":      {"sms-by", &source.Request{Rest: "guessed"}, source.CauseWrongToken},
		"another source's in the path": {"sms-by", &source.Request{Rest: otherSecret}, source.CauseOtherSource},
		"no password":                  {"basic", &source.Request{Header: signed("Authorization", "Bearer x")}, source.CauseWrongToken},
		"another source's token":       {"green-api", &source.Request{Header: signed("Authorization", "Bearer "+otherSecret)}, source.CauseOtherSource},
	} {
		w := all[test.way]
		v := verifier(t, w.proof, source.Secret{Text: w.secret})
		others := map[string]*source.Verifier{"other": verifier(t, source.Token("X"), source.Secret{Text: otherSecret})}
		test.request.At = now
		if test.request.Header == nil {
			test.request.Header = http.Header{}
		}
		if got := v.Diagnose(test.request, others); got.Cause != test.cause {
			t.Errorf("%s: %s (%s), want %s", sentence, got.Cause, got.Detail, test.cause)
		}
	}
}

func TestLargeBodiesAreNotDiagnosedAtLength(t *testing.T) {
	t.Parallel()
	v := verifier(t, source.Providers()["dropbox"].Proof, source.Secret{Text: secret})
	request := &source.Request{
		Header: signed("X-Dropbox-Signature", hex.EncodeToString(code(secret, "else"))), At: now,
		Body: bytes.Repeat([]byte("x"), source.LongestDiagnosed+1),
	}
	if got := v.Diagnose(request, nil); got.Cause != source.CauseWrongSecret || !strings.Contains(got.Detail, "too large") {
		t.Errorf("%s (%s)", got.Cause, got.Detail)
	}
}

func TestCertificateIsOneThatTheSourceNames(t *testing.T) {
	t.Parallel()
	v := verifier(t, source.Certificate(), source.Secret{Text: "hooks.bank.example"})
	named := &x509.Certificate{DNSNames: []string{"a.example", "Hooks.Bank.Example"}}
	if !v.Verify(&source.Request{Peer: named, At: now}).OK {
		t.Error("a certificate with the name is refused")
	}
	for cause, peer := range map[string]*x509.Certificate{
		source.CauseNoCertificate: nil, source.CauseWrongCertificate: {DNSNames: []string{"evil.example", ""}},
	} {
		request := &source.Request{Peer: peer, At: now}
		if v.Verify(request).OK || v.Diagnose(request, nil).Cause != cause {
			t.Errorf("%s: %v", cause, v.Diagnose(request, nil))
		}
	}
}
