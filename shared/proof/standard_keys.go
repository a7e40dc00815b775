package proof

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// The spellings of Standard Webhooks.
// Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
const (
	symmetricPrefix  = "whsec_" // base64 of a key for HMAC-SHA256
	publicPrefix     = "whpk_"  // base64 of a public key for Ed25519
	privatePrefix    = "whsk_"  // base64 of a private one, which only who signs has
	publicElement    = "v1a,"   // before a signature by Ed25519
	symmetricElement = "v1,"    // before the others, and before the secrets of some senders
)

// standardKeys are what a secret of Standard Webhooks may mean.
type standardKeys struct {
	// symmetric are keys for HMAC. There are two where a secret without a prefix can be read as base64 and as it is: senders
	// do both.
	symmetric [][]byte
	// public is a key for Ed25519, private the one that signs, where that is known.
	public  ed25519.PublicKey
	private ed25519.PrivateKey
}

// readStandardKeys reads a secret in the spellings that senders give out: whsec_ and base64 in either alphabet, with "v1,"
// before it or not, base64 without a prefix, plain text; and whpk_ or whsk_ for Ed25519. Its error does not repeat the secret.
func readStandardKeys(secret string) (standardKeys, error) {
	bare := strings.TrimPrefix(strings.TrimPrefix(secret, symmetricElement), publicElement)
	if text, ok := strings.CutPrefix(bare, publicPrefix); ok {
		key, ok := decodeBase64(text)
		if !ok || len(key) != ed25519.PublicKeySize {
			return standardKeys{}, fmt.Errorf("must have the base64 of %d bytes behind %s", ed25519.PublicKeySize, publicPrefix)
		}
		return standardKeys{public: key}, nil
	}
	if text, ok := strings.CutPrefix(bare, privatePrefix); ok {
		return readPrivateKey(text)
	}
	text, prefixed := strings.CutPrefix(bare, symmetricPrefix)
	if text == "" {
		return standardKeys{}, ErrEmptySecret
	}
	decoded, ok := decodeBase64(text)
	switch {
	case ok && prefixed:
		return standardKeys{symmetric: [][]byte{decoded}}, nil
	case ok:
		return standardKeys{symmetric: [][]byte{decoded, []byte(text)}}, nil
	case prefixed:
		return standardKeys{symmetric: [][]byte{[]byte(bare), []byte(text)}}, nil
	default:
		return standardKeys{symmetric: [][]byte{[]byte(bare)}}, nil
	}
}

// readPrivateKey reads a seed, or a seed with the public key behind it.
func readPrivateKey(text string) (standardKeys, error) {
	key, ok := decodeBase64(text)
	if !ok || len(key) != ed25519.SeedSize && len(key) != ed25519.PrivateKeySize {
		return standardKeys{}, fmt.Errorf("must have the base64 of %d or %d bytes behind %s", ed25519.SeedSize, ed25519.PrivateKeySize, privatePrefix)
	}
	private := ed25519.NewKeyFromSeed(key[:ed25519.SeedSize])
	public, _ := private.Public().(ed25519.PublicKey)
	return standardKeys{public: public, private: private}, nil
}

// fits is the proof's.
func (k standardKeys) fits(s signature, r *Request, p *presented) int {
	if k.public == nil {
		hit := 0
		for _, one := range k.symmetric {
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
		if ed25519.Verify(k.public, signed, code) {
			hit = 1
		}
	}
	return hit
}

// sign returns the element of the header that these keys make.
func (k standardKeys) sign(s signature, r *Request, p *presented) (element string, err error) {
	switch {
	case k.private != nil:
		signed, release := s.collected(r, p)
		defer release()
		return publicElement + base64.StdEncoding.EncodeToString(ed25519.Sign(k.private, signed)), nil
	case k.public != nil:
		return "", errors.New("is a public key, with which nobody can sign; give the one that begins with " + privatePrefix)
	default:
		return s.Prefix + s.encode(s.code(key{bytes: k.symmetric[0]}, r, p)), nil
	}
}

// publicSignature reads an element of the header that is a signature by Ed25519.
func (s signature) publicSignature(element string) (code []byte, ok bool) {
	text, ok := strings.CutPrefix(element, publicElement)
	if !ok || !s.StandardWebhooks {
		return nil, false
	}
	code, ok = decodeBase64(text)
	return code, ok && len(code) == ed25519.SignatureSize
}
