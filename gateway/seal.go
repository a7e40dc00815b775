package gateway

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"sluice.internal/shared/source"
)

// mostSealed is how many secrets of a request are kept sealed.
const mostSealed = 4

// seal returns what makes what can be kept of the request's secrets: enough to accept it later, when the source is
// configured to have that secret, or to have it elsewhere.
func (v *visit) seal() func() map[string]string {
	if v.admitted {
		return func() map[string]string { return nil }
	}
	secrets := map[string]string{}
	if rest := v.rest(); rest != "" {
		secrets[""] = rest
	}
	for _, name := range slices.Sorted(maps.Keys(v.request.Header)) {
		values := v.request.Header[name]
		if len(secrets) < mostSealed && len(values) == 1 && len(values[0]) <= keptValue && v.from.mayProve(name) {
			secrets[name] = source.BareToken(values[0])
		}
	}
	return func() map[string]string {
		for name, secret := range secrets {
			secrets[name] = source.Seal(secret)
		}
		return secrets
	}
}

// mayProve tells whether a field may have the secret that proves who sends.
func (in *inlet) mayProve(name string) bool {
	secret, _ := source.Fields(in.Proof)
	return name == secret || !in.isOpen(name) && !signs(name) && !strings.Contains(name, "Cookie") && isSecret(name)
}

// isOpen tells whether a field has no secret, whatever its name says: it is a part of a signature, or travels with
// notifications.
func (in *inlet) isOpen(name string) bool {
	secret, open := source.Fields(in.Proof)
	if name == secret {
		return false
	}
	isName := func(field string) bool { return http.CanonicalHeaderKey(field) == name }
	return len(open) > 0 && slices.ContainsFunc(open[1:], isName) || slices.ContainsFunc(in.fields, isName)
}

// signs tells whether a field is one for signatures.
func signs(name string) bool {
	return containsAny(strings.ToLower(name), "signature", "hmac", "digest")
}
