package keys

import (
	"crypto/ed25519"
	"fmt"
	"strings"
)

// The spellings of Standard Webhooks.
// Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
const (
	symmetricPrefix  = "whsec_" // base64 of a key for HMAC-SHA256
	publicPrefix     = "whpk_"  // base64 of a public key for Ed25519
	PrivatePrefix    = "whsk_"  // base64 of a private one, which only who signs has
	PublicElement    = "v1a,"   // before a signature by Ed25519
	symmetricElement = "v1,"    // before the others, and before the secrets of some senders
)

// Standard are what a secret of Standard Webhooks may mean.
type Standard struct {
	// Symmetric are keys for HMAC. There are two where a secret without a prefix can be read as base64 and as it is: senders
	// do both.
	Symmetric [][]byte
	// Public is a key for Ed25519, Private the one that signs, where that is known.
	Public  ed25519.PublicKey
	Private ed25519.PrivateKey
}

// ReadStandard reads a secret in the spellings that senders give out: whsec_ and base64 in either alphabet, with "v1,"
// before it or not, base64 without a prefix, plain text; and whpk_ or whsk_ for Ed25519. Its error does not repeat the secret.
func ReadStandard(secret string) (Standard, error) {
	bare := strings.TrimPrefix(strings.TrimPrefix(secret, symmetricElement), PublicElement)
	if text, ok := strings.CutPrefix(bare, publicPrefix); ok {
		key, ok := DecodeBase64(text)
		if !ok || len(key) != ed25519.PublicKeySize {
			return Standard{}, fmt.Errorf("must have the base64 of %d bytes behind %s", ed25519.PublicKeySize, publicPrefix)
		}
		return Standard{Public: key}, nil
	}
	if text, ok := strings.CutPrefix(bare, PrivatePrefix); ok {
		return readPrivateKey(text)
	}
	text, prefixed := strings.CutPrefix(bare, symmetricPrefix)
	if text == "" {
		return Standard{}, ErrEmpty
	}
	decoded, ok := DecodeBase64(text)
	switch {
	case ok && prefixed:
		return Standard{Symmetric: [][]byte{decoded}}, nil
	case ok:
		return Standard{Symmetric: [][]byte{decoded, []byte(text)}}, nil
	case prefixed:
		return Standard{Symmetric: [][]byte{[]byte(bare), []byte(text)}}, nil
	default:
		return Standard{Symmetric: [][]byte{[]byte(bare)}}, nil
	}
}

// readPrivateKey reads a seed, or a seed with the public key behind it.
func readPrivateKey(text string) (Standard, error) {
	key, ok := DecodeBase64(text)
	if !ok || len(key) != ed25519.SeedSize && len(key) != ed25519.PrivateKeySize {
		return Standard{}, fmt.Errorf("must have the base64 of %d or %d bytes behind %s", ed25519.SeedSize, ed25519.PrivateKeySize, PrivatePrefix)
	}
	private := ed25519.NewKeyFromSeed(key[:ed25519.SeedSize])
	public, _ := private.Public().(ed25519.PublicKey)
	return Standard{Public: public, Private: private}, nil
}
