package proof_test

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

	"sluice.internal/shared/proof"
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
		"nothing":                    {"github", http.Header{}, proof.CauseNoSignature, hub},
		"another provider's header":  {"github", signed("X-Slack-Signature", "v0=1"), proof.CauseWrongHeader, "X-Slack-Signature"},
		"a header of others":         {"dropbox", signed("X-Signature", "1"), proof.CauseWrongHeader, "X-Signature"},
		"twice":                      {"github", http.Header{hub: {"sha256=1", "sha256=2"}}, proof.CauseMalformed, "more than one"},
		"no prefix":                  {"github", signed(hub, hexOf(secret, body)), proof.CauseNoPrefix, `"sha256="`},
		"another prefix":             {"github", signed(hub, "sha1="+hex.EncodeToString(weak.Sum(nil))), proof.CauseNoPrefix, `"sha256="`},
		"base64 for hex":             {"github", signed(hub, "sha256="+b64Of(secret, body)), proof.CauseBase64ForHex, hub},
		"hex for base64":             {"shopify", signed(shop, hexOf(secret, body)), proof.CauseHexForBase64, shop},
		"cut off":                    {"github", signed(hub, "sha256="+hexOf(secret, body)[:30]), proof.CauseMalformed, "15 bytes"},
		"another hash":               {"dropbox", signed("X-Dropbox-Signature", hex.EncodeToString(weak.Sum(nil))), proof.CauseMalformed, "20 bytes"},
		"no hex at all":              {"github", signed(hub, "sha256=<secret>"), proof.CauseMalformed, "hex"},
		"no time":                    {"slack", signed("X-Slack-Signature", "v0="+hexOf(secret, "v0::"+body)), proof.CauseMalformed, "X-Slack-Request-Timestamp"},
		"no time in Stripe's header": {"stripe", signed("Stripe-Signature", "v1="+hexOf(secret, "."+body)), proof.CauseMalformed, "t="},
		"an expired secret":          {"github", signed(hub, "sha256="+hexOf("expired-secret", body)), proof.CauseExpiredSecret, "secret 2"},
		"a secret of the future":     {"github", signed(hub, "sha256="+hexOf("future-secret", body)), proof.CauseExpiredSecret, "only from"},
		"another source's secret":    {"github", signed(hub, "sha256="+hexOf(otherSecret, body)), proof.CauseOtherSource, `"other"`},
		"any other secret":           {"github", signed(hub, "sha256="+hexOf("guessed", body)), proof.CauseWrongSecret, hub},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			v := verifier(t, source.Providers()[test.provider].Proof, proof.Secret{Text: secret},
				proof.Secret{Text: "expired-secret", Until: now.Add(-time.Hour)}, proof.Secret{Text: "future-secret", From: now.Add(time.Hour)})
			hints := proof.Hints{
				Others:           map[string]*proof.Verifier{"other": verifier(t, proof.Token("X"), proof.Secret{Text: otherSecret})},
				SignatureHeaders: source.SignatureHeaders(),
			}
			request := &proof.Request{Header: test.header, Body: []byte(body), At: now}
			if v.Verify(request).OK {
				t.Fatal("accepted")
			}
			got := v.Diagnose(request, hints)
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
	v := verifier(t, source.Providers()["dropbox"].Proof, proof.Secret{Text: secret})
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
		request := &proof.Request{Header: signed("X-Dropbox-Signature", hex.EncodeToString(code(secret, test.sent))), Body: []byte(test.came), At: now}
		if got := v.Diagnose(request, proof.Hints{}); got.Cause != proof.CauseBodyAltered {
			t.Errorf("%s: %s (%s)", sentence, got.Cause, got.Detail)
		}
	}
}

func TestDiagnosisTellsByHowMuchClocksDiffer(t *testing.T) {
	t.Parallel()
	w := ways(t)["stripe"]
	v := verifier(t, w.proof, proof.Secret{Text: w.secret})
	for offset, says := range map[time.Duration]string{-time.Hour: "3600 seconds behind", 2 * time.Hour: "7200 seconds ahead"} {
		if got := v.Diagnose(w.made(t, w.secret, now.Add(offset)), proof.Hints{}); got.Cause != proof.CauseClockSkew || !strings.Contains(got.Detail, says) {
			t.Errorf("%s: %s (%s)", offset, got.Cause, got.Detail)
		}
		if got := v.Diagnose(w.made(t, w.other, now.Add(offset)), proof.Hints{}); got.Cause != proof.CauseWrongSecret {
			t.Errorf("%s and a wrong secret: %s", offset, got.Cause)
		}
	}
}

func TestDiagnosisOfTokens(t *testing.T) {
	t.Parallel()
	all := ways(t)
	for sentence, test := range map[string]struct {
		way     string
		request *proof.Request
		cause   string
	}{
		"the header of something else": {"header", &proof.Request{Header: signed("Authorization", "Bearer x")}, proof.CauseWrongHeader},
		"nothing in the path":          {"sms-by", &proof.Request{}, proof.CauseMissingToken},
		"a wrong one in the path":      {"sms-by", &proof.Request{Rest: "guessed"}, proof.CauseWrongToken},
		"another source's in the path": {"sms-by", &proof.Request{Rest: otherSecret}, proof.CauseOtherSource},
		"no password":                  {"basic", &proof.Request{Header: signed("Authorization", "Bearer x")}, proof.CauseWrongToken},
		"another source's token":       {"green-api", &proof.Request{Header: signed("Authorization", "Bearer "+otherSecret)}, proof.CauseOtherSource},
	} {
		w := all[test.way]
		v := verifier(t, w.proof, proof.Secret{Text: w.secret})
		hints := proof.Hints{
			Others:           map[string]*proof.Verifier{"other": verifier(t, proof.Token("X"), proof.Secret{Text: otherSecret})},
			SignatureHeaders: source.SignatureHeaders(),
		}
		test.request.At = now
		if test.request.Header == nil {
			test.request.Header = http.Header{}
		}
		if got := v.Diagnose(test.request, hints); got.Cause != test.cause {
			t.Errorf("%s: %s (%s), want %s", sentence, got.Cause, got.Detail, test.cause)
		}
	}
}

func TestLargeBodiesAreNotDiagnosedAtLength(t *testing.T) {
	t.Parallel()
	v := verifier(t, source.Providers()["dropbox"].Proof, proof.Secret{Text: secret})
	request := &proof.Request{
		Header: signed("X-Dropbox-Signature", hex.EncodeToString(code(secret, "else"))), At: now,
		Body: bytes.Repeat([]byte("x"), proof.MaxDiagnosedBody+1),
	}
	if got := v.Diagnose(request, proof.Hints{}); got.Cause != proof.CauseWrongSecret || !strings.Contains(got.Detail, "too large") {
		t.Errorf("%s (%s)", got.Cause, got.Detail)
	}
}

func TestCertificateIsOneThatTheSourceNames(t *testing.T) {
	t.Parallel()
	v := verifier(t, proof.Certificate(), proof.Secret{Text: "hooks.bank.example"})
	named := &x509.Certificate{DNSNames: []string{"a.example", "Hooks.Bank.Example"}}
	if !v.Verify(&proof.Request{Peer: named, At: now}).OK {
		t.Error("a certificate with the name is refused")
	}
	for cause, peer := range map[string]*x509.Certificate{
		proof.CauseNoCertificate: nil, proof.CauseWrongCertificate: {DNSNames: []string{"evil.example", ""}},
	} {
		request := &proof.Request{Peer: peer, At: now}
		if v.Verify(request).OK || v.Diagnose(request, proof.Hints{}).Cause != cause {
			t.Errorf("%s: %v", cause, v.Diagnose(request, proof.Hints{}))
		}
	}
}
