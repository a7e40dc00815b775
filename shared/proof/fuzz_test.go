package proof_test

import (
	"net/http"
	"strings"
	"testing"

	"sluice.internal/shared/proof"
)

// FuzzVerifiers holds that nothing but a proof is accepted by any verifier, and that nothing makes one panic or takes
// much memory. Not parallel: it measures what the whole process allocates.
func FuzzVerifiers(f *testing.F) {
	for _, w := range ways(f) {
		made := w.made(f, w.other, now)
		for _, values := range made.Header {
			f.Add(values[0], "1772366400", "id", made.Rest, []byte(body))
		}
	}
	f.Add("t=1772366400,v1=00,v1=", "1e9", "", "a/b", []byte("{"))
	f.Add("sha256=zz", "-1", "\x00", "..", []byte(nil))
	type guarded struct {
		verifier *proof.Verifier
		fields   []string
	}
	var all []guarded
	for _, w := range ways(f) {
		g := guarded{verifier: verifier(f, w.proof, proof.Secret{Text: w.secret})}
		for field := range w.made(f, w.secret, now).Header {
			g.fields = append(g.fields, field)
		}
		all = append(all, g)
	}
	f.Fuzz(func(t *testing.T, value, stamp, id, rest string, body []byte) {
		if strings.Contains(value+rest, secret) || strings.Contains(value, "dXNlcj") {
			return // Then it may be right.
		}
		for _, g := range all {
			request := &proof.Request{Header: http.Header{}, Rest: rest, Body: body, At: now}
			for _, field := range g.fields {
				request.Header.Set(field, value)
				if strings.Contains(field, "Time") {
					request.Header.Set(field, stamp)
				}
				if strings.HasSuffix(field, "-Id") {
					request.Header.Set(field, id)
				}
			}
			if g.verifier.Verify(request).OK {
				t.Errorf("accepted %q at %q with id %q and rest %q", value, stamp, id, rest)
			}
			var refusal *proof.Refusal
			if allocated := allocatedBy(func() { refusal = g.verifier.Diagnose(request, proof.Hints{}) }); allocated > maxDiagnosis {
				t.Errorf("the diagnosis allocates %d MB", allocated>>20)
			}
			if refusal.Cause == "" || strings.Contains(refusal.Detail, secret) {
				t.Errorf("diagnosis %+v", refusal)
			}
		}
	})
}
