package proof

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"sluice.internal/shared/proof/internal/altered"
)

const (
	// MaxDiagnosedBody is the largest body, in bytes, with which Diagnose computes. Of a larger one it needs no more than
	// the first MaxDiagnosedBody+1 bytes.
	MaxDiagnosedBody = altered.MaxBody
	// maxOtherSecrets is how many secrets of other sources are tried. It bounds the time of a diagnosis.
	maxOtherSecrets = 64
)

// Hints are what is known beside a source, for a diagnosis that names the mistake.
type Hints struct {
	// Others are the verifiers of the other sources, by name.
	Others map[string]*Verifier
	// SignatureHeaders are the header fields in which any provider sends a signature.
	SignatureHeaders []string
}

// Diagnose finds out why Verify refused the request. The answer is for the operator alone. It costs at most as much as some
// hundred verifications and takes a time that depends on the secrets, so it must run after the answer to the sender. Of
// several proofs it tells about the first that the request shows anything of.
func (v *Verifier) Diagnose(r *Request, hints Hints) *Refusal {
	return v.first(func(w *way) *Refusal { return w.diagnose(r, hints) })
}

// first returns the refusal of the first way that the request tried, and of the first way at all where it tried none.
func (v *Verifier) first(diagnose func(*way) *Refusal) *Refusal {
	var first *Refusal
	for i := range v.ways {
		found := diagnose(&v.ways[i])
		switch found.Cause {
		case CauseMissingToken, CauseNoSignature, CauseWrongHeader, CauseNoCertificate:
			if first == nil {
				first = found
			}
		default:
			return found
		}
	}
	return first
}

func (w *way) diagnose(r *Request, hints Hints) *Refusal {
	p := w.proof.present(r)
	if refusal := w.proof.diagnose(r, &p, hints); refusal != nil {
		return refusal
	}
	if len(r.Body) > MaxDiagnosedBody {
		refusal := w.proof.mismatch()
		refusal.Detail += "; the body is too large to find out more"
		return refusal
	}
	for _, find := range []func() *Refusal{
		func() *Refusal { return w.skewed(r, &p) },
		func() *Refusal { return w.expired(r, &p) },
		func() *Refusal { return w.otherSource(r, &p, hints.Others) },
		func() *Refusal { return w.bodyAltered(r, &p) },
	} {
		if refusal := find(); refusal != nil {
			return refusal
		}
	}
	return w.proof.mismatch()
}

// skewed reports a request that is right but for its time.
func (w *way) skewed(r *Request, p *presented) *Refusal {
	if !p.stale || !w.match(r, p, func(secret Secret) bool { return secret.validAt(r.At) }).OK {
		return nil
	}
	direction, skew := "behind", p.skew
	if skew < 0 {
		direction, skew = "ahead of", -skew
	}
	return &Refusal{Cause: CauseClockSkew, Detail: fmt.Sprintf("the signature is right, but its time is %d seconds %s this clock; "+
		"set the clocks, raise the tolerance, or it is an old request that somebody sends again", int64(skew/time.Second), direction)}
}

// expired reports a request that was made with a secret outside of its time.
func (w *way) expired(r *Request, p *presented) *Refusal {
	result := w.match(r, p, func(secret Secret) bool { return !secret.validAt(r.At) })
	if !result.OK {
		return nil
	}
	secret := w.secrets[result.Secret]
	when := "is no longer valid since " + secret.Until.UTC().Format(time.RFC3339)
	if r.At.Before(secret.From) {
		when = "is valid only from " + secret.From.UTC().Format(time.RFC3339)
	}
	return &Refusal{Cause: CauseExpiredSecret, Detail: fmt.Sprintf("it was made with secret %d of the source, which %s", result.Secret+1, when)}
}

// otherSource tries the secrets of other sources with this source's way of signing.
func (w *way) otherSource(r *Request, p *presented, others map[string]*Verifier) *Refusal {
	tried := 0
	for _, name := range slices.Sorted(maps.Keys(others)) {
		for _, secret := range others[name].secrets() {
			if tried++; tried > maxOtherSecrets {
				return nil
			}
			key, err := keyOf(w.proof, secret.Text)
			if err == nil && w.proof.fits(r, p, key) == 1 {
				return &Refusal{Cause: CauseOtherSource, Detail: fmt.Sprintf("it was made with a secret of source %q; "+
					"compare the URL and the secret at the sender", name)}
			}
		}
	}
	return nil
}

// secrets returns those of all ways.
func (v *Verifier) secrets() []Secret {
	var all []Secret
	for _, w := range v.ways {
		all = append(all, w.secrets...)
	}
	return all
}

// bodyAltered tries the bodies that proxies and frameworks may have changed to this one.
func (w *way) bodyAltered(r *Request, p *presented) *Refusal {
	for variant := range w.proof.alteredBodies(r.Body) {
		changed := *r
		changed.Body = variant.Bytes
		if w.match(&changed, p, func(secret Secret) bool { return secret.validAt(r.At) }).OK {
			return &Refusal{Cause: CauseBodyAltered, Detail: "the signature fits the body " + variant.How +
				"; something between the sender and here changes bodies"}
		}
	}
	return nil
}
