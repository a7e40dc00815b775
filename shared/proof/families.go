package proof

import (
	"fmt"
	"iter"

	"sluice.internal/shared/proof/internal/altered"
)

// Families proves by one of two descriptions that differ in the names of their headers alone, as Standard Webhooks has them:
// the first whose signature the request has. So what the other headers say has no meaning, whoever added them.
func Families(one, other Signature) (Proof, error) {
	first, err := one.Proof()
	if err != nil {
		return nil, err
	}
	second, err := other.Proof()
	if err != nil {
		return nil, err
	}
	return families{first: first.(signature), second: second.(signature)}, nil //nolint:forcetypeassert // Proof makes no others.
}

// MustFamilies is Families for descriptions that stand in code. It panics on a fault.
func MustFamilies(one, other Signature) Proof {
	made, err := Families(one, other)
	if err != nil {
		panic(fmt.Sprintf("signatures in %q and %q: %s", one.Header, other.Header, err))
	}
	return made
}

type families struct{ first, second signature }

// of returns the description that the request keeps to.
func (f families) of(r *Request) signature {
	if len(r.Header.Values(f.first.Header)) == 0 && len(r.Header.Values(f.second.Header)) > 0 {
		return f.second
	}
	return f.first
}

func (families) CoversBody() bool { return true }

func (f families) key(secret string) (key, error) { return f.first.key(secret) }

func (f families) present(r *Request) presented { return f.of(r).present(r) }

func (f families) fits(r *Request, p *presented, key key) int { return f.of(r).fits(r, p, key) }

func (f families) alteredBodies(body []byte) iter.Seq[altered.Body] { return altered.Bodies(body) }

func (f families) diagnose(r *Request, p *presented, hints Hints) *Refusal {
	refusal := f.of(r).diagnose(r, p, hints)
	if refusal != nil && refusal.Cause == CauseNoSignature {
		refusal.Detail = fmt.Sprintf("the request has neither a %s nor a %s header; is a secret set at the sender?", f.first.Header, f.second.Header)
	}
	return refusal
}

func (f families) mismatch() *Refusal {
	refusal := f.first.mismatch()
	refusal.Detail = fmt.Sprintf("the signature in %s or %s was made with none of the source's secrets, or of another body",
		f.first.Header, f.second.Header)
	return refusal
}

// Sign signs with the headers of the first family.
func (f families) Sign(d *Draft, secret string) error { return f.first.Sign(d, secret) }

// Labels returns the id and the time that a request's signature covers, "" for what it does not. They are as good as the
// proof: what other headers say is nobody's word.
func Labels(p Proof, r *Request) (id, timestamp string) {
	switch own := p.(type) {
	case signature:
		found := own.present(r)
		return found.id, found.timestamp
	case families:
		return Labels(own.of(r), r)
	default:
		return "", ""
	}
}
