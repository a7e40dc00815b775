package proof_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"sluice.internal/shared/proof"
)

func TestTokenIsFoundBehindOneTwoOrNoPrefixes(t *testing.T) {
	t.Parallel()
	verify := tokens(t, "first-token", "Bearer second-token")
	for value, want := range map[string]string{
		"first-token":                      "",
		"Bearer first-token":               "",
		"Basic first-token":                "",
		"bearer first-token":               "",
		"Bearer Bearer first-token":        "",
		"Bearer Basic first-token":         "",
		"Bearer   first-token ":            "",
		"second-token":                     "",
		"Bearer second-token":              "",
		"Bearer Bearer Bearer first-token": proof.CauseWrongToken,
		"Token first-token":                "",
		"Secret first-token":               proof.CauseWrongToken,
		"first-toke":                       proof.CauseWrongToken,
		"first-token2":                     proof.CauseWrongToken,
		"FIRST-TOKEN":                      proof.CauseWrongToken,
		"Bearer":                           proof.CauseWrongToken,
		"Bearer ":                          proof.CauseWrongToken,
		"":                                 proof.CauseWrongToken,
	} {
		if got := cause(verify(http.Header{"Authorization": {value}})); got != want {
			t.Errorf("Authorization %q: %q, want %q", value, got, want)
		}
	}
	if got := cause(verify(http.Header{})); got != proof.CauseMissingToken {
		t.Errorf("no header: %q", got)
	}
	if got := cause(verify(http.Header{"Authorization": {"first-token", "wrong"}})); got != proof.CauseWrongToken {
		t.Errorf("two headers: %q", got)
	}
}

// What proxies double is one: a field or a parameter that is there twice with the same token.
func TestSameTokenTwiceIsOne(t *testing.T) {
	t.Parallel()
	verify := tokens(t, "first-token")
	for _, values := range [][]string{
		{"Bearer first-token", "Bearer first-token"},
		{"Bearer first-token", "bearer first-token"},
		{"first-token", "Bearer first-token"},
		{"Bearer first-token, Bearer first-token"},
	} {
		if refusal := verify(http.Header{"Authorization": values}); refusal != nil {
			t.Errorf("%q: %v", values, refusal)
		}
	}
	verifier, err := proof.NewVerifier(proof.QueryToken("key"), proof.Secret{Text: "first-token"})
	if err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string]string{
		"key=first-token": "", "key=first-token&key=first-token": "", "key=first-token&key=other": proof.CauseWrongToken,
		"key=": proof.CauseMissingToken,
	} {
		values, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		request := &proof.Request{Query: values, At: time.Now()}
		if got := verifier.Verify(request).OK; got != (want == "") || !got && verifier.Diagnose(request, proof.Hints{}).Cause != want {
			t.Errorf("%s: accepted %t, %v", query, got, verifier.Diagnose(request, proof.Hints{}))
		}
	}
}

// A time that a proxy doubles is one as well.
func TestSameTimeTwiceIsOne(t *testing.T) {
	t.Parallel()
	made := proof.Signature{Header: "X-Sig", Signed: "{timestamp}.{body}", TimestampHeader: "X-Time"}.MustProof()
	verifier, err := proof.NewVerifier(made, proof.Secret{Text: "a-secret"})
	if err != nil {
		t.Fatal(err)
	}
	draft := &proof.Draft{Header: http.Header{}, Body: []byte("{}"), At: time.Now()}
	if err := made.Sign(draft, "a-secret"); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"X-Time", "X-Sig"} {
		draft.Header.Add(name, draft.Header.Get(name))
	}
	if !verifier.Verify(&proof.Request{Method: http.MethodPost, Header: draft.Header, Body: draft.Body, At: draft.At}).OK {
		t.Error("it is refused")
	}
}

// tokens returns a function that verifies a header with tokens and returns why it is refused.
func tokens(t testing.TB, texts ...string) func(http.Header) *proof.Refusal {
	t.Helper()
	var secrets []proof.Secret
	for _, text := range texts {
		secrets = append(secrets, proof.Secret{Text: text})
	}
	verifier, err := proof.NewVerifier(proof.Token("Authorization"), secrets...)
	if err != nil {
		t.Fatal(err)
	}
	return func(header http.Header) *proof.Refusal {
		request := &proof.Request{Header: header, At: time.Now()}
		if verifier.Verify(request).OK {
			return nil
		}
		return verifier.Diagnose(request, proof.Hints{})
	}
}

// cause returns a refusal's cause, "" for none.
func cause(refusal *proof.Refusal) string {
	if refusal == nil {
		return ""
	}
	return refusal.Cause
}

func TestRefusalNeverNamesATokenEitherWay(t *testing.T) {
	t.Parallel()
	err := tokens(t, "the-right-one")(http.Header{"Authorization": {"Bearer the-wrong-one"}})
	if text := err.Error(); strings.Contains(text, "right-one") || strings.Contains(text, "wrong-one") {
		t.Errorf("refusal says %q", text)
	}
}

func TestNoTokensLetNobodyIn(t *testing.T) {
	t.Parallel()
	for _, value := range []string{"", "Bearer ", "x"} {
		if tokens(t)(http.Header{"Authorization": {value}}) == nil {
			t.Errorf("no tokens let in %q", value)
		}
	}
	for _, empty := range []string{"", " ", "Bearer "} {
		if _, err := proof.NewVerifier(proof.Token("Authorization"), proof.Secret{Text: empty}); err == nil {
			t.Errorf("%q is a token", empty)
		}
	}
}

func FuzzToken(f *testing.F) {
	for _, seed := range []string{"", "Bearer x", "Basic Basic x", "Bearer\tx", "secret-token", "Bearer secret-token", "\x00"} {
		f.Add(seed)
	}
	verify := tokens(f, "secret-token")
	f.Fuzz(func(t *testing.T, value string) {
		if verify(http.Header{"Authorization": {value}}) == nil && !strings.HasSuffix(strings.TrimSpace(value), "secret-token") {
			t.Errorf("let in %q", value)
		}
	})
}
