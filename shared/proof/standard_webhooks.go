package proof

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"strings"

	"sluice.internal/shared/proof/internal/keys"
)

// fitsStandard is fits for the keys of Standard Webhooks.
func fitsStandard(k keys.Standard, s signature, r *Request, p *presented) int {
	if k.Public == nil {
		hit := 0
		for _, one := range k.Symmetric {
			hit |= p.matches(s.code(key{bytes: one}, r, p))
		}
		return hit
	}
	if len(p.public) == 0 { // Nothing is compared that anybody keeps secret.
		return 0
	}
	signed, release := s.collected(r, p)
	defer release()
	hit := 0
	for _, code := range p.public {
		if ed25519.Verify(k.Public, signed, code) {
			hit = 1
		}
	}
	return hit
}

// signStandard returns the element of the header that these keys make.
func signStandard(k keys.Standard, s signature, r *Request, p *presented) (element string, err error) {
	switch {
	case k.Private != nil:
		signed, release := s.collected(r, p)
		defer release()
		return keys.PublicElement + base64.StdEncoding.EncodeToString(ed25519.Sign(k.Private, signed)), nil
	case k.Public != nil:
		return "", errors.New("is a public key, with which nobody can sign; give the one that begins with " + keys.PrivatePrefix)
	default:
		return s.Prefix + s.encode(s.code(key{bytes: k.Symmetric[0]}, r, p)), nil
	}
}

// publicSignature reads an element of the header that is a signature by Ed25519.
func (s signature) publicSignature(element string) (code []byte, ok bool) {
	text, ok := strings.CutPrefix(element, keys.PublicElement)
	if !ok || !s.StandardWebhooks {
		return nil, false
	}
	code, ok = keys.DecodeBase64(text)
	return code, ok && len(code) == ed25519.SignatureSize
}
