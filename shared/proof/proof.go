package proof

import (
	"crypto/subtle"
	"iter"
	"strings"
	"time"

	"sluice.internal/shared/proof/internal/altered"
	"sluice.internal/shared/proof/internal/keys"
	"sluice.internal/shared/proof/internal/signed"
)

// Proof is a way in which a request shows that its sender knows a secret. Token, Basic, PathSecret, QueryToken, BodyToken,
// Certificate and Signature.Proof make them; no other package can, so that what is compared, and in which time, stays in
// this one. All but signatures are equal (==) when they were made of the same.
type Proof interface {
	// CoversBody reports whether the body is a part of what is proved, so that it must be read before.
	CoversBody() bool
	// Sign changes the draft to one that the proof accepts with this secret.
	Sign(d *Draft, secret string) error

	// key makes a secret ready for use. Its error says what is wrong without repeating the secret.
	key(secret string) (key, error)
	// present reads what a request presents. It does the same work for every request.
	present(r *Request) presented
	// fits returns 1 when the key made one of p.given, else 0. Its time does not tell how much of a secret was right.
	fits(r *Request, p *presented, key key) int
	// diagnose says what is wrong with the form of what is presented. It returns nil when the form is right.
	diagnose(r *Request, p *presented, hints Hints) *Refusal
	// alteredBodies returns the bodies that the sender may have meant, with what was done to each.
	alteredBodies(body []byte) iter.Seq[altered.Body]
	// mismatch returns the refusal of a request whose form is right and that no secret fits.
	mismatch() *Refusal
}

// presented is what a request presents as its proof.
type presented struct {
	// given are the digests or codes of the right length.
	given [][]byte
	// public are signatures that a public key of Standard Webhooks verifies.
	public [][]byte
	// timestamp is the signed time as the request writes it, id the signed id.
	timestamp, id string
	// skew is how far the signed time is from the time of receipt, positive for a time in the past.
	skew time.Duration
	// stale is set when the skew is over the tolerance, or when a time is missing that must be there.
	stale bool
}

// values are what the signed text has of it, with the secret where that is a part of the text.
func (p *presented) values(secret []byte) signed.Values {
	return signed.Values{Timestamp: p.timestamp, ID: p.id, Secret: secret}
}

// matches returns 1 when one of the given values is the wanted one, else 0.
func (p *presented) matches(want []byte) int {
	hit := 0
	for _, given := range p.given {
		hit |= subtle.ConstantTimeCompare(given, want)
	}
	return hit
}

// Secret is one of a source's secrets.
type Secret struct {
	// Text is the token, the password with its user, the key of a signature, or the name in a certificate. It is the sender's
	// public key where a signature is verified by that.
	Text string
	// From and Until bound when it is valid, From included and Until not; zero means without a bound.
	From, Until time.Time
}

func (s Secret) validAt(at time.Time) bool {
	return (s.From.IsZero() || !at.Before(s.From)) && (s.Until.IsZero() || at.Before(s.Until))
}

// ErrEmptySecret says that nothing is left of a secret without the white space around it and the schemes before it.
var ErrEmptySecret = keys.ErrEmpty

// CheckSecret returns what keeps the secret from being used with the proof, nil when it can be used. The error does not
// repeat the secret. Errors: ErrEmptySecret.
func CheckSecret(proof Proof, secret string) error {
	_, err := keyOf(proof, secret)
	return err
}

func keyOf(proof Proof, secret string) (key, error) {
	if strings.TrimSpace(secret) == "" {
		return key{}, ErrEmptySecret
	}
	return proof.key(secret)
}
