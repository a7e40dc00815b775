package source

import (
	"fmt"

	"sluice.internal/shared/config"
	"sluice.internal/shared/proof"
)

// ProofFor returns the proof that a source of the provider configures; nil where everybody may send. The source need not
// have secrets: whoever signs as its senders do brings his own.
func ProofFor(p Provider, configured config.Source) (proof.Proof, error) {
	if configured.Auth == authOf(p) && configured.Auth != config.AuthSignature && configured.TokenParameter == "" && configured.TokenAt == "" {
		return p.Proof, nil // At the provider's own place.
	}
	switch configured.Auth {
	case config.AuthNone:
		return nil, nil //nolint:nilnil // That is no proof, as configured.
	case config.AuthCertificate:
		return proof.Certificate(), nil
	case config.AuthBasic:
		return proof.Basic(), nil
	case config.AuthHeader:
		return placed(proof.Token, configured.TokenHeader, "token_header")
	case config.AuthPath:
		return proof.PathSecret(), nil
	case config.AuthQuery:
		return placed(proof.QueryToken, configured.TokenParameter, "token_parameter")
	case config.AuthBody:
		return placed(proof.BodyToken, configured.TokenAt, "token_at")
	case config.AuthSignature:
		return signatureFor(p, configured)
	}
	if _, signs := proof.SignatureOf(p.Proof); signs {
		return signatureFor(p, configured)
	}
	return p.Proof, nil
}

// placed makes the proof of a token at a place that the source has to name.
func placed(proofAt func(place string) proof.Proof, place, key string) (proof.Proof, error) {
	if place == "" {
		return nil, fmt.Errorf("%s is missing: say where the token is", key)
	}
	return proofAt(place), nil
}

// signatureFor returns the provider's signature with the source's changes. What the source leaves open, the provider fills in.
func signatureFor(p Provider, configured config.Source) (proof.Proof, error) {
	written := configured.Signature
	if p.SignedBySource && written.Signed == "" {
		own, _ := proof.SignatureOf(p.Proof)
		return nil, fmt.Errorf("signature.signed is missing: write %q with your own id in it", own.Signed)
	}
	chosen := proof.Signature{
		Header: written.Header, At: written.At, Prefix: written.Prefix, Separator: written.Separator, Encoding: written.Encoding,
		Algorithm: written.Algorithm, Hash: written.Hash, Signed: written.Signed, SecretEncoding: written.SecretEncoding,
		TimestampHeader: written.TimestampHeader, TimestampAt: written.TimestampAt, TimestampPrefix: written.TimestampPrefix,
		IDHeader: written.IDHeader, IDAt: written.IDAt, BodyDigestAt: written.BodyDigestAt,
		Tolerance: configured.Tolerance, URL: configured.PublicURL,
	}
	if chosen.Prefix == noPrefix {
		own, _ := proof.SignatureOf(p.Proof)
		chosen = chosen.Or(own)
		chosen.Prefix = ""
		return chosen.Proof()
	}
	return proof.Adapted(p.Proof, chosen)
}

// noPrefix takes away the prefix of a provider's signature: an empty signature.prefix means the provider's.
const noPrefix = "none"
