package proof_test

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"

	"sluice.internal/shared/proof"
)

func TestHashShowsWhetherATokenIsTheSameAndNotTheToken(t *testing.T) {
	t.Parallel()
	const secret = "user:correct-horse"
	for sentence, test := range map[string]struct {
		proof proof.Proof
		field string
		sent  string
	}{
		"a token":           {proof.Token("X-Api-Key"), "X-Api-Key", secret},
		"with a scheme":     {proof.Token("Authorization"), "Authorization", proof.BareToken("Bearer Bearer " + secret)},
		"user and password": {proof.Basic(), "Authorization", proof.BareToken("Basic " + base64.StdEncoding.EncodeToString([]byte(secret)))},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			digest := proof.HashToken(test.sent)
			if strings.Contains(digest, "correct") || digest == proof.HashToken(test.sent) {
				t.Errorf("hashed as %q", digest)
			}
			now := time.Now()
			verifier := func(text string, until time.Time) *proof.Verifier {
				v, err := proof.NewVerifier(test.proof, proof.Secret{Text: "another:one"}, proof.Secret{Text: text, Until: until})
				if err != nil {
					t.Fatal(err)
				}
				return v
			}
			request := &proof.Request{Header: http.Header{}, At: now}
			digests := map[string]string{test.field: digest}
			if result := verifier(secret, time.Time{}).VerifyStored(request, digests); !result.OK || result.Secret != 1 {
				t.Errorf("the right one: %+v", result)
			}
			for cause, v := range map[string]*proof.Verifier{
				proof.CauseWrongToken: verifier("user:wrong", time.Time{}), proof.CauseExpiredSecret: verifier(secret, now.Add(-time.Hour)),
			} {
				if v.VerifyStored(request, digests).OK {
					t.Errorf("%s is accepted", cause)
				}
				if refusal := v.DiagnoseStored(request, digests, proof.Hints{}); refusal.Cause != cause || refusal.Detail == "" {
					t.Errorf("diagnosed %+v, want %s", refusal, cause)
				}
			}
			for _, broken := range []map[string]string{nil, {"X-Other": digest}, {test.field: "!"}, {test.field: "YWJj"}} {
				if verifier(secret, time.Time{}).VerifyStored(request, broken).OK {
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
		if got := proof.LooksSigned(value); got != want {
			t.Errorf("%q looks signed: %t", value, got)
		}
	}
}

func BenchmarkHashToken(b *testing.B) {
	for b.Loop() {
		proof.HashToken("a-token-of-common-length-0123456789")
	}
}
