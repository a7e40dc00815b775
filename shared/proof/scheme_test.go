package proof_test

import (
	"net/http"
	"testing"

	"sluice.internal/shared/proof"
)

func TestSchemesAreCutTheSameForVerifiersAndLogs(t *testing.T) {
	t.Parallel()
	v := verifier(t, proof.Token("Authorization"), proof.Secret{Text: secret})
	for value, want := range map[string]struct {
		schemes string
		ok      bool
	}{
		secret:                           {"", true},
		"Bearer " + secret:               {"Bearer ", true},
		"bearer  " + secret + " ":        {"bearer ", true},
		"Bearer Bearer " + secret:        {"Bearer Bearer ", true},
		"Token " + secret:                {"Token ", true},
		"ApiKey " + secret:               {"ApiKey ", true},
		"Bearer Token " + secret:         {"Bearer Token ", true},
		"Bearer Bearer Bearer " + secret: {"Bearer Bearer ", false},
		"Digest " + secret:               {"", false},
		"Secret " + secret:               {"", false},
		"Bearer":                         {"Bearer ", false},
		"Bearer ":                        {"Bearer ", false},
		"":                               {"", false},
		"Bearer" + secret:                {"", false},
	} {
		schemes, token := proof.CutSchemes(value)
		if schemes != want.schemes {
			t.Errorf("%q has the schemes %q, want %q", value, schemes, want.schemes)
		}
		if (token == secret) != want.ok || token != proof.BareToken(value) {
			t.Errorf("%q has the token %q", value, token)
		}
		request := &proof.Request{Header: http.Header{"Authorization": {value}}, At: now}
		if got := v.Verify(request).OK; got != want.ok {
			t.Errorf("%q is accepted: %t, want %t", value, got, want.ok)
		}
	}
}
