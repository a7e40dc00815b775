package proof

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
)

// Result is the outcome of a verification.
type Result struct {
	// OK is set when one of the source's valid secrets has made the request.
	OK bool
	// Secret is the index of that secret among those given to NewVerifier, from 0, or of the list that AnyOf makes of several
	// verifiers. It means nothing without OK.
	Secret int
}

// Verifier decides whether a request may be accepted. It is safe for concurrent use. Its time depends on the size of the
// request and on the number of secrets, and not on what is wrong with the request.
type Verifier struct {
	// ways are the proofs of which one is enough; mostly there is one.
	ways []way
}

// way is a proof with its secrets.
type way struct {
	proof   Proof
	secrets []Secret
	keys    []key
	// first is the index of the first of the secrets among those of all ways.
	first int
}

// NewVerifier returns a verifier that accepts requests made with any of the secrets, each within its time. Without
// secrets it accepts nothing. The error names all secrets that can't be used by their place, from 1.
func NewVerifier(proof Proof, secrets ...Secret) (*Verifier, error) {
	w := way{proof: proof, secrets: secrets, keys: make([]key, len(secrets))}
	var faults []error
	for i, secret := range secrets {
		var err error
		if w.keys[i], err = keyOf(proof, secret.Text); err != nil {
			faults = append(faults, fmt.Errorf("secret %d: %w", i+1, err))
		}
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	return &Verifier{ways: []way{w}}, nil
}

// AnyOf returns a verifier that accepts what one of the verifiers does. Its secrets are those of all of them, in order.
func AnyOf(verifiers ...*Verifier) *Verifier {
	all := &Verifier{}
	first := 0
	for _, v := range verifiers {
		for _, w := range v.ways {
			w.first = first
			first += len(w.secrets)
			all.ways = append(all.ways, w)
		}
	}
	return all
}

// CoversBody reports whether Verify needs Request.Body.
func (v *Verifier) CoversBody() bool {
	return slices.ContainsFunc(v.ways, func(w way) bool { return w.proof.CoversBody() })
}

// Verify decides whether the request was made with one of the secrets that are valid at its time. It computes with all of
// these, also for a request that presents nothing, and compares in constant time. Why a request is refused is found out
// by Diagnose, after the answer.
func (v *Verifier) Verify(r *Request) Result {
	return v.any(func(w *way) Result { return w.verify(r) })
}

// VerifyHeader is Verify by those proofs alone that do not need the body, for a request whose body has not come yet.
func (v *Verifier) VerifyHeader(r *Request) Result {
	return v.any(func(w *way) Result {
		if w.proof.CoversBody() {
			return Result{}
		}
		return w.verify(r)
	})
}

// any asks all ways, also when one of the first has accepted, and returns the first that does.
func (v *Verifier) any(ask func(*way) Result) Result {
	var found Result
	for i := range v.ways {
		if one := ask(&v.ways[i]); one.OK && !found.OK {
			found = Result{OK: true, Secret: v.ways[i].first + one.Secret}
		}
	}
	return found
}

// Digest returns the HMAC-SHA256 of a text with one of the secrets, by its index, in hexadecimal digits; "" where there is no
// such secret. It is for senders that want to see that both sides have the same one.
func (v *Verifier) Digest(secret int, text string) string {
	for _, w := range v.ways {
		if i := secret - w.first; i >= 0 && i < len(w.keys) {
			mac := hmac.New(sha256.New, w.keys[i].bytes)
			mac.Write([]byte(text))
			return hex.EncodeToString(mac.Sum(nil))
		}
	}
	return ""
}

func (w *way) verify(r *Request) Result {
	p := w.proof.present(r)
	result := w.match(r, &p, func(secret Secret) bool { return secret.validAt(r.At) })
	result.OK = result.OK && !p.stale
	return result
}

// match finds the first of the chosen secrets that made what is presented. It computes with all of them.
func (w *way) match(r *Request, p *presented, chosen func(Secret) bool) Result {
	found, index := 0, 0
	for i, key := range w.keys {
		if !chosen(w.secrets[i]) {
			continue
		}
		hit := w.proof.fits(r, p, key)
		index = subtle.ConstantTimeSelect(hit&(1-found), i, index)
		found |= hit
	}
	return Result{OK: found == 1, Secret: index}
}
