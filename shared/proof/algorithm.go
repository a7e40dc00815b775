package proof

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/md5" //nolint:gosec // Some senders sign with nothing better, and forging one still takes the secret.
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // Likewise; as HMAC it is not broken.
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/hex"
	"hash"
	"io"
	"math/big"
	"sync"

	"sluice.internal/shared/proof/internal/keys"
	"sluice.internal/shared/proof/internal/request"
	"sluice.internal/shared/proof/internal/signed"
)

// The algorithms of a Signature. The last three are verified by the sender's public key, which is configured as a secret is.
const (
	// AlgorithmHMAC is the HMAC of the signed text, AlgorithmDigest the hash of a text that has the secret in it.
	AlgorithmHMAC    = "hmac"
	AlgorithmDigest  = "digest"
	AlgorithmEd25519 = keys.Ed25519
	AlgorithmECDSA   = keys.ECDSA
	AlgorithmRSA     = keys.RSA
)

// The hashes of a Signature.
const (
	HashMD5    = "md5"
	HashSHA1   = "sha1"
	HashSHA256 = "sha256"
	HashSHA512 = "sha512"
)

// newHash returns the hash of a name, nil for a name that is not known.
func newHash(name string) func() hash.Hash {
	switch name {
	case HashMD5:
		return md5.New
	case HashSHA1:
		return sha1.New
	case HashSHA256:
		return sha256.New
	case HashSHA512:
		return sha512.New
	default:
		return nil
	}
}

// hashOf names a hash to the verifiers of the standard library.
func hashOf(name string) crypto.Hash {
	switch name {
	case HashMD5:
		return crypto.MD5
	case HashSHA1:
		return crypto.SHA1
	case HashSHA512:
		return crypto.SHA512
	default:
		return crypto.SHA256
	}
}

// IsPublic reports whether signatures are verified by a public key, so that only the sender can make one.
func (s Signature) IsPublic() bool {
	return s.Algorithm == AlgorithmEd25519 || s.Algorithm == AlgorithmECDSA || s.Algorithm == AlgorithmRSA
}

// key is a secret that is ready for use: bytes, a public key, or what a secret of Standard Webhooks may mean.
type key struct {
	bytes    []byte
	public   crypto.PublicKey
	standard keys.Standard
}

// code computes what the signature must be, for algorithms with a secret. The text is fed in pieces, so that the body is not
// copied.
func (s signature) code(k key, r *Request, p *presented) []byte {
	var sum hash.Hash
	if s.Algorithm == AlgorithmDigest {
		sum = newHash(s.Hash)()
	} else {
		sum = hmac.New(newHash(s.Hash), k.bytes)
	}
	s.text.Write(sum, r, p.values(k.bytes))
	return sum.Sum(nil)
}

func (s signature) fits(r *Request, p *presented, k key) int {
	if s.BodyDigestAt != "" && !s.bodyDigestFits(r) {
		return 0
	}
	switch {
	case s.StandardWebhooks:
		return fitsStandard(k.standard, s, r, p)
	case s.IsPublic():
		return s.verifies(r, p, k)
	}
	return p.matches(s.code(k, r, p))
}

// verifies returns 1 when the owner of the public key has made one of the given signatures, else 0. There is no secret that
// its time could tell.
func (s signature) verifies(r *Request, p *presented, k key) int {
	if len(p.given) == 0 {
		return 0
	}
	var check func(given []byte) bool
	switch public := k.public.(type) {
	case ed25519.PublicKey:
		text, release := s.collected(r, p)
		defer release()
		check = func(given []byte) bool { return ed25519.Verify(public, text, given) }
	case *ecdsa.PublicKey:
		digest := s.digest(r, p)
		check = func(given []byte) bool { return verifyECDSA(public, digest, given) }
	case *rsa.PublicKey:
		digest := s.digest(r, p)
		check = func(given []byte) bool { return rsa.VerifyPKCS1v15(public, hashOf(s.Hash), digest, given) == nil }
	default:
		return 0
	}
	for _, given := range p.given {
		if check(given) {
			return 1
		}
	}
	return 0
}

func (s signature) digest(r *Request, p *presented) []byte {
	sum := newHash(s.Hash)()
	s.text.Write(sum, r, p.values(nil))
	return sum.Sum(nil)
}

// verifyECDSA takes a signature in DER, and one that is the two numbers side by side, as JOSE has it.
func verifyECDSA(public *ecdsa.PublicKey, digest, given []byte) bool {
	if ecdsa.VerifyASN1(public, digest, given) {
		return true
	}
	half := (public.Curve.Params().BitSize + 7) / 8
	if len(given) != 2*half {
		return false
	}
	return ecdsa.Verify(public, digest, new(big.Int).SetBytes(given[:half]), new(big.Int).SetBytes(given[half:]))
}

// maxPublic is how many signatures of one request are verified by a public key. Each may read the whole body, and who sends
// it is not known yet.
const maxPublic = 4

// smallText is the largest text, in bytes, that is collected without waiting for others.
const smallText = 64 << 10

// largeText is held while a larger text is collected. Ed25519 wants all of it in one piece, which is a second copy of the
// body that nobody else accounts for, so there is one at a time. It is held for as long as a hash takes.
var largeText sync.Mutex //nolint:gochecknoglobals // The memory is the process's.

// collected returns the signed text in one piece, and the function that lets go of it.
func (s signature) collected(r *Request, p *presented) (text []byte, release func()) {
	release = func() {}
	if len(r.Body) > smallText {
		largeText.Lock()
		release = largeText.Unlock
	}
	collector := &pieces{text: make([]byte, 0, len(r.Body)+smallPieces)}
	s.text.Write(collector, r, p.values(nil))
	return collector.text, release
}

// smallPieces is room for what a signed text usually has beside the body.
const smallPieces = 256

// pieces collects what is written.
type pieces struct{ text []byte }

func (c *pieces) Write(piece []byte) (int, error) {
	c.text = append(c.text, piece...)
	return len(piece), nil
}

var _ io.Writer = (*pieces)(nil)

// bodyDigestFits reports whether the request names the SHA-256 of its body. A form whose fields are signed needs none.
func (s signature) bodyDigestFits(r *Request) bool {
	if s.text.Has(signed.PlaceForm) && request.IsForm(r.Header) {
		return true
	}
	return subtle.ConstantTimeCompare([]byte(signed.BodyDigest(r.Body)), []byte(lowerHex(request.TextAt(s.BodyDigestAt, r)))) == 1
}

// lowerHex returns a text of hexadecimal digits in lower case, "" for anything else.
func lowerHex(text string) string {
	sum, err := hex.DecodeString(text)
	if err != nil {
		return ""
	}
	return hex.EncodeToString(sum)
}
