package source_test

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"

	"sluice.internal/shared/source"
)

func TestSealShowsWhetherASecretIsTheSameAndNotTheSecret(t *testing.T) {
	t.Parallel()
	const secret = "user:correct-horse"
	for sentence, test := range map[string]struct {
		proof source.Proof
		field string
		sent  string
	}{
		"a token":           {source.Token("X-Api-Key"), "X-Api-Key", secret},
		"with a scheme":     {source.Token("Authorization"), "Authorization", source.BareToken("Bearer Bearer " + secret)},
		"user and password": {source.Basic(), "Authorization", source.BareToken("Basic " + base64.StdEncoding.EncodeToString([]byte(secret)))},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			seal := source.Seal(test.sent)
			if strings.Contains(seal, "correct") || seal == source.Seal(test.sent) {
				t.Errorf("sealed as %q", seal)
			}
			now := time.Now()
			verifier := func(text string, until time.Time) *source.Verifier {
				v, err := source.NewVerifier(test.proof, source.Secret{Text: "another:one"}, source.Secret{Text: text, Until: until})
				if err != nil {
					t.Fatal(err)
				}
				return v
			}
			request := &source.Request{Header: http.Header{}, At: now}
			kept := map[string]string{test.field: seal}
			if verdict := verifier(secret, time.Time{}).VerifyKept(request, kept); !verdict.OK || verdict.Secret != 1 {
				t.Errorf("the right one: %+v", verdict)
			}
			for cause, v := range map[string]*source.Verifier{
				source.CauseWrongToken: verifier("user:wrong", time.Time{}), source.CauseExpiredSecret: verifier(secret, now.Add(-time.Hour)),
			} {
				if v.VerifyKept(request, kept).OK {
					t.Errorf("%s is accepted", cause)
				}
				if refusal := v.DiagnoseKept(request, kept); refusal.Cause != cause || refusal.Detail == "" {
					t.Errorf("diagnosed %+v, want %s", refusal, cause)
				}
			}
			for _, broken := range []map[string]string{nil, {"X-Other": seal}, {test.field: "!"}, {test.field: "YWJj"}} {
				if verifier(secret, time.Time{}).VerifyKept(request, broken).OK {
					t.Errorf("accepted with %v", broken)
				}
			}
		})
	}
}

func TestSignaturesAreToldFromSecrets(t *testing.T) {
	t.Parallel()
	hexed, coded := strings.Repeat("ab", 32), base64.StdEncoding.EncodeToString(make([]byte, 32))
	for value, want := range map[string]bool{
		"sha256=" + hexed: true,
		hexed:             true,
		"t=1749207600,v1=" + hexed + ",v0=" + hexed:   true,
		"v1," + coded + " v1," + coded:                true,
		"sha1=" + strings.Repeat("0", 40):             true,
		"":                                            false,
		"sha256=abc":                                  false,
		"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw":      false,
		"my-very-secret-passphrase":                   false,
		"sha256=" + hexed + ", and-a-long-passphrase": false,
	} {
		if got := source.LooksSigned(value); got != want {
			t.Errorf("%q looks signed: %t", value, got)
		}
	}
}

func BenchmarkSeal(b *testing.B) {
	for b.Loop() {
		source.Seal("a-token-of-common-length-0123456789")
	}
}
