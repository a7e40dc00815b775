package source

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Proof is a way in which a request shows that its sender knows a secret. The zero values of the types in this package
// that are proofs are of no use; the functions beside them make them.
type Proof interface {
	// CoversBody tells whether the body belongs to the proof, so that it must be read before.
	CoversBody() bool
	// Sign makes the draft one that the proof accepts with this secret.
	Sign(d *Draft, secret string) error

	// key makes a secret ready for use. Its error says what is wrong without repeating it.
	key(secret string) ([]byte, error)
	// show reads what a request shows. It does the same work whatever that is.
	show(r *Request) shown
	// expect is what one of shown.given must be equal to for the key to have made the request.
	expect(r *Request, s *shown, key []byte) []byte
	// diagnose says what is wrong with what is shown, nil when it looks right and only no secret fits.
	diagnose(r *Request, s *shown) *Refusal
	// altered are the bodies that the sender may have meant, with what was done to them.
	altered(body []byte) []alteration
	// wrong is the refusal when there is nothing better to say.
	wrong() *Refusal
}

// shown is what a request shows as its proof.
type shown struct {
	// given are the digests or codes in it that have the right length.
	given [][]byte
	// stamp is the time that is signed with it, as it is written; skew how far it is from now, positive when it is old.
	stamp, id string
	skew      time.Duration
	// stale says that the skew is more than what is tolerated, or that there is no time where one must be.
	stale bool
}

// Secret is one of a source's secrets.
type Secret struct {
	Text string
	// From and Until are when it is valid; zero means without a bound.
	From, Until time.Time
}

func (s Secret) validAt(at time.Time) bool {
	return (s.From.IsZero() || !at.Before(s.From)) && (s.Until.IsZero() || at.Before(s.Until))
}

// Verdict is what a verifier says of a request.
type Verdict struct {
	OK bool
	// Secret is the place of the one that matched among the source's; of no meaning without OK.
	Secret int
}

// Verifier tells whether a request may be accepted. It is safe for concurrent use and takes the same time whatever is
// wrong with a request.
type Verifier struct {
	proof   Proof
	secrets []Secret
	keys    [][]byte
}

// NewVerifier makes a verifier that accepts requests made with any of the secrets, each within its time. Its error names
// the secrets that can't be used by their place, from 1. Without secrets it accepts nothing.
func NewVerifier(proof Proof, secrets ...Secret) (*Verifier, error) {
	v := &Verifier{proof: proof, secrets: secrets, keys: make([][]byte, len(secrets))}
	var faults []error
	for i, secret := range secrets {
		key, err := v.prepared(secret.Text)
		if err != nil {
			faults = append(faults, fmt.Errorf("secret %d: %w", i+1, err))
		}
		v.keys[i] = key
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	return v, nil
}

var errEmptySecret = errors.New("is empty")

func (v *Verifier) prepared(secret string) ([]byte, error) {
	if strings.TrimSpace(secret) == "" {
		return nil, errEmptySecret
	}
	return v.proof.key(secret)
}

// CoversBody tells whether Request.Body must be there.
func (v *Verifier) CoversBody() bool { return v.proof.CoversBody() }

// Verify tells whether the request was made with one of the secrets that are valid now. It computes with all of these,
// also for a request that shows nothing, and compares in constant time; why a request is refused is for Diagnose to
// find out, after the answer.
func (v *Verifier) Verify(r *Request) Verdict {
	s := v.proof.show(r)
	verdict := v.match(r, &s, func(secret Secret) bool { return secret.validAt(r.At) })
	verdict.OK = verdict.OK && !s.stale
	return verdict
}

// match tells which of the chosen secrets made what is shown, the first of several.
func (v *Verifier) match(r *Request, s *shown, chosen func(Secret) bool) Verdict {
	found, place := 0, 0
	for i, key := range v.keys {
		if !chosen(v.secrets[i]) {
			continue
		}
		hit := v.fits(r, s, key)
		place = subtle.ConstantTimeSelect(hit&(1-found), i, place)
		found |= hit
	}
	return Verdict{OK: found == 1, Secret: place}
}

// fits is 1 when the key made one of what is given, else 0.
func (v *Verifier) fits(r *Request, s *shown, key []byte) int {
	want, hit := v.proof.expect(r, s, key), 0
	for _, given := range s.given {
		hit |= subtle.ConstantTimeCompare(given, want)
	}
	return hit
}
