package proof_test

import (
	"encoding/hex"
	"net/http"
	"testing"

	"sluice.internal/shared/proof"
)

func TestAnyOfSeveralProofsWillDo(t *testing.T) {
	t.Parallel()
	token, query := proof.Token("X-Token"), proof.QueryToken("key")
	signature := proofOf(t, proof.Signature{Header: "X-Sign"})
	v := proof.AnyOf(
		verifier(t, token, proof.Secret{Text: "first-token"}, proof.Secret{Text: "second-token"}),
		verifier(t, signature, proof.Secret{Text: secret}),
		verifier(t, query, proof.Secret{Text: "in-the-query"}),
	)
	with := func(header http.Header, query string) *proof.Request {
		return &proof.Request{Header: header, Query: map[string][]string{"key": {query}}, Body: []byte(body), At: now}
	}
	code := hex.EncodeToString(code(secret, body))
	for name, test := range map[string]struct {
		request *proof.Request
		secret  int // -1 for refused
		early   bool
		cause   string
	}{
		"the first":               {with(http.Header{"X-Token": {"first-token"}}, ""), 0, true, ""},
		"the second":              {with(http.Header{"X-Token": {"second-token"}}, ""), 1, true, ""},
		"a signature":             {with(http.Header{"X-Sign": {code}}, ""), 2, false, ""},
		"the query":               {with(http.Header{}, "in-the-query"), 3, true, ""},
		"one right, one wrong":    {with(http.Header{"X-Token": {"guessed"}, "X-Sign": {code}}, "guessed"), 2, false, ""},
		"nothing":                 {with(http.Header{}, ""), -1, false, proof.CauseMissingToken},
		"a wrong signature":       {with(http.Header{"X-Sign": {code[:62] + "00"}}, ""), -1, false, proof.CauseWrongSecret},
		"a secret of another way": {with(http.Header{"X-Token": {"in-the-query"}}, ""), -1, false, proof.CauseWrongToken},
	} {
		got := v.Verify(test.request)
		if got.OK != (test.secret >= 0) || got.OK && got.Secret != test.secret {
			t.Errorf("%s: %+v", name, got)
		}
		if early := v.VerifyHeader(test.request); early.OK != test.early {
			t.Errorf("%s, before the body: %+v", name, early)
		}
		if test.cause == "" {
			continue
		}
		if refusal := v.Diagnose(test.request, proof.Hints{}); refusal.Cause != test.cause {
			t.Errorf("%s: %v", name, refusal)
		}
	}
	digests := map[string]string{"?key": proof.HashToken("in-the-query")}
	if got := v.VerifyStored(&proof.Request{Header: http.Header{}, At: now}, digests); !got.OK || got.Secret != 3 {
		t.Errorf("of what was stored: %+v", got)
	}
	if !v.CoversBody() || v.Digest(2, "x") == "" || v.Digest(4, "x") != "" {
		t.Error("it is not what it is made of")
	}
}

func TestTokenIsReadAtItsPlaceAlone(t *testing.T) {
	t.Parallel()
	form := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	for name, test := range map[string]struct {
		by      proof.Proof
		request *proof.Request
		want    bool
		cause   string
	}{
		"in the query":          {proof.QueryToken("key"), &proof.Request{Query: map[string][]string{"key": {secret}}}, true, ""},
		"twice in the query":    {proof.QueryToken("key"), &proof.Request{Query: map[string][]string{"key": {secret, "another"}}}, false, proof.CauseWrongToken},
		"in another parameter":  {proof.QueryToken("key"), &proof.Request{Query: map[string][]string{"Key": {secret}}}, false, proof.CauseMissingToken},
		"in the body":           {proof.BodyToken("/auth/token"), &proof.Request{Body: []byte(`{"auth":{"token":"` + secret + `"}}`)}, true, ""},
		"twice in the body":     {proof.BodyToken("/t"), &proof.Request{Body: []byte(`{"t":"` + secret + `","t":"x"}`)}, false, proof.CauseMissingToken},
		"deeper in the body":    {proof.BodyToken("/t"), &proof.Request{Body: []byte(`{"a":{"t":"` + secret + `"}}`)}, false, proof.CauseMissingToken},
		"no JSON":               {proof.BodyToken("/t"), &proof.Request{Body: []byte(`{"t":`)}, false, proof.CauseMissingToken},
		"in a form":             {proof.BodyToken("/auth[token]"), &proof.Request{Header: form, Body: []byte("a=1&auth%5Btoken%5D=" + secret)}, true, ""},
		"another one in a form": {proof.BodyToken("/auth[token]"), &proof.Request{Header: form, Body: []byte("auth[token]=guessed")}, false, proof.CauseWrongToken},
		"in no form":            {proof.BodyToken("/auth[token]"), &proof.Request{Header: form}, false, proof.CauseMissingToken},
	} {
		if test.request.Header == nil {
			test.request.Header = http.Header{}
		}
		test.request.At = now
		v := verifier(t, test.by, proof.Secret{Text: secret})
		if got := v.Verify(test.request); got.OK != test.want {
			t.Errorf("%s: %+v", name, got)
		}
		if test.want {
			continue
		}
		if refusal := v.Diagnose(test.request, proof.Hints{}); refusal.Cause != test.cause {
			t.Errorf("%s: %v", name, refusal)
		}
	}
}
