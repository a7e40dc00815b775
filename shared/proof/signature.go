package proof

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"sluice.internal/shared/proof/internal/altered"
	"sluice.internal/shared/proof/internal/request"
	"sluice.internal/shared/proof/internal/signed"
)

// Signature describes a signature. Its zero fields mean what GitHub does: the HMAC of the body, with SHA-256, in a header and
// written in hexadecimal digits.
type Signature struct {
	// Header is the name of the field with the signature. At is its place elsewhere: /a/b in the body, or query:NAME. There
	// must be one of both.
	Header, At string
	// Prefix stands before each signature, such as "sha256=".
	Prefix string
	// Separator stands between the elements of the header. Empty means that the header is one signature and nothing else.
	Separator string
	// Encoding is EncodingHex or EncodingBase64.
	Encoding string
	// Algorithm is one of the Algorithm constants.
	Algorithm string
	// Hash is one of the Hash constants. Ed25519 has its own.
	Hash string
	// Signed is the text that is signed, with places such as {body}, {timestamp} and {id} in it; see internal/signed. It
	// must have the body or a part of it.
	Signed string
	// TimestampHeader is the name of the field with the time of signing, in a form that ParseTimestamp reads. TimestampAt is
	// its place elsewhere.
	TimestampHeader, TimestampAt string
	// TimestampPrefix stands before the time when that is in the same header as the signature.
	TimestampPrefix string
	// IDHeader is the name of the field with the id. IDAt is its place elsewhere.
	IDHeader, IDAt string
	// BodyDigestAt is where the request has the SHA-256 of its body in hexadecimal digits, for signatures that cover that, as a
	// part of the URL for example, in place of the body. A form whose fields are signed needs none.
	BodyDigestAt string
	// Tolerance is how far the time of signing may be from the time of receipt, in both directions; five minutes by default.
	Tolerance time.Duration
	// StandardWebhooks says that secrets are written as that specification has them, and that a public key may stand in
	// place of a secret: see standard_webhooks.go.
	StandardWebhooks bool
	// SecretEncoding is SecretText, SecretHex or SecretBase64.
	SecretEncoding string
	// URL is where the sender sees the gateway, such as https://hooks.example.org, for a Signed with {url}.
	URL string
}

// The encodings of a Signature.
const (
	EncodingHex    = "hex"
	EncodingBase64 = "base64"
)

const (
	// maxElements is how many elements of a header are read. Senders that rotate secrets send two or three.
	maxElements = 32
	// maxLabel bounds a time and an id, in bytes. They are signed, so that a longer one costs time.
	maxLabel = 256
)

// Or returns s with its empty fields filled from other. A place of the signature, the time or the id that s names takes the
// place of all that other says about it.
func (s Signature) Or(other Signature) Signature {
	if s.Header != "" || s.At != "" {
		other.Header, other.At = "", ""
	}
	if s.TimestampHeader != "" || s.TimestampAt != "" || s.TimestampPrefix != "" {
		other.TimestampHeader, other.TimestampAt, other.TimestampPrefix = "", "", ""
	}
	if s.IDHeader != "" || s.IDAt != "" {
		other.IDHeader, other.IDAt = "", ""
	}
	for _, field := range []struct{ mine, theirs *string }{
		{&s.Header, &other.Header},
		{&s.At, &other.At},
		{&s.Prefix, &other.Prefix},
		{&s.Separator, &other.Separator},
		{&s.Encoding, &other.Encoding},
		{&s.Algorithm, &other.Algorithm},
		{&s.Hash, &other.Hash},
		{&s.Signed, &other.Signed},
		{&s.TimestampHeader, &other.TimestampHeader},
		{&s.TimestampAt, &other.TimestampAt},
		{&s.TimestampPrefix, &other.TimestampPrefix},
		{&s.IDHeader, &other.IDHeader},
		{&s.IDAt, &other.IDAt},
		{&s.BodyDigestAt, &other.BodyDigestAt},
		{&s.SecretEncoding, &other.SecretEncoding},
		{&s.URL, &other.URL},
	} {
		if *field.mine == "" {
			*field.mine = *field.theirs
		}
	}
	if s.Tolerance == 0 {
		s.Tolerance = other.Tolerance
	}
	s.StandardWebhooks = s.StandardWebhooks || other.StandardWebhooks
	return s
}

// defaultTolerance is the one of the specification of Standard Webhooks, of Slack and of Stripe.
const defaultTolerance = 5 * time.Minute

// Proof checks the description and makes a proof of it. The error has all faults, one a line, under the names that the
// configuration has for the fields.
func (s Signature) Proof() (Proof, error) {
	own, err := s.withoutURL()
	if err == nil && own.text.Has(signed.PlaceURL) && s.URL == "" {
		err = errors.New("signature.signed has {url} in it, so gateway.public_url must say how senders call the gateway, as in https://hooks.example.org")
	}
	if err != nil {
		return nil, err
	}
	return own, nil
}

// withoutURL is Proof for a description whose URL is not known yet.
func (s Signature) withoutURL() (signature, error) {
	s = s.Or(Signature{
		Encoding: EncodingHex, Algorithm: AlgorithmHMAC, Hash: HashSHA256, Signed: signed.PlaceBody, Tolerance: defaultTolerance,
		SecretEncoding: SecretText,
	})
	text, err := signed.Parse(s.Signed)
	if err != nil {
		return signature{}, errors.Join(err, s.check(nil))
	}
	if err := errors.Join(s.check(text), s.checkText(text)); err != nil {
		return signature{}, err
	}
	own := signature{Signature: s, text: signed.Text{Template: text, URL: strings.TrimSuffix(s.URL, "/")}}
	if request.InBody(s.At) {
		own.text.Own = s.At
	}
	return own, nil
}

// faults collects what is wrong.
type faults []error

func (f *faults) add(fault bool, format string, args ...any) {
	if fault {
		*f = append(*f, fmt.Errorf(format, args...))
	}
}

// check finds what is wrong with the fields.
func (s Signature) check(text signed.Template) error {
	var found faults
	found.add(s.Header == "" && s.At == "", "signature.header is missing: say in which header the signature is, or with signature.at where else")
	found.add(s.Header != "" && s.At != "", "signature.header and signature.at say two places for one signature")
	found.add(s.Encoding != EncodingHex && s.Encoding != EncodingBase64, "signature.encoding must be hex or base64")
	found.add(newHash(s.Hash) == nil, "signature.hash must be sha256, sha1, sha512 or md5")
	found.add(!slices.Contains([]string{AlgorithmHMAC, AlgorithmDigest, AlgorithmEd25519, AlgorithmECDSA, AlgorithmRSA}, s.Algorithm),
		"signature.algorithm must be hmac, digest, ed25519, ecdsa or rsa")
	found.add(s.Hash == HashMD5 && s.IsPublic(), "signature.hash can't be md5 with public keys: anybody can make two texts of one hash")
	found.add(!slices.Contains([]string{SecretText, SecretHex, SecretBase64}, s.SecretEncoding), "signature.secret_encoding must be text, hex or base64")
	for _, named := range []struct{ name, place string }{
		{"at", s.At}, {"timestamp_at", s.TimestampAt}, {"id_at", s.IDAt}, {"body_digest_at", s.BodyDigestAt},
	} {
		if err := request.CheckPlace(named.place); named.place != "" && err != nil {
			found.add(true, "signature.%s: %q %w", named.name, named.place, err)
		}
	}
	found.add(s.TimestampPrefix != "" && s.Separator == "", "signature.timestamp_prefix needs signature.separator")
	found.add(request.InBody(s.At) && text.Has(signed.PlaceBody),
		"signature.signed has {body} in it, and the body has the signature in it; write {body:unsigned} for the body without it, or name its parts")
	found.add(s.Tolerance < 0, "tolerance must not be negative")
	return errors.Join(found...)
}

// checkText finds what is wrong with the text that is signed.
func (s Signature) checkText(text signed.Template) error {
	var found faults
	found.add(!text.CoversBody() && s.BodyDigestAt == "",
		"signature.signed must have {body} in it or a part of the body, as in {/order/id}: else the signature of one notification fits every other")
	found.add(text.Has(signed.PlaceTimestamp) && !s.hasTime(),
		"signature.signed has {timestamp} in it, so signature.timestamp_header, signature.timestamp_prefix or signature.timestamp_at must say where it is")
	found.add(text.Has(signed.PlaceID) && !s.hasID(),
		"signature.signed has {id} in it, so signature.id_header or signature.id_at must say where it is")
	found.add(text.Has(signed.PlaceUnsigned) && !request.InBody(s.At), "signature.signed has {body:unsigned} in it, which is for a signature in the body: name it in signature.at")
	found.add(s.Algorithm == AlgorithmDigest && !text.HasSecret(),
		"signature.algorithm is digest, so signature.signed must have the secret in it, as {secret} or {values:sorted+NAME}: else everybody can make one")
	found.add(s.Algorithm != AlgorithmDigest && text.HasSecret(), "signature.signed has the secret in it, which is for signature.algorithm digest")
	found.add(slices.Contains(text.Headers(), s.Header) && s.Header != "", "signature.signed has the signature itself in it")
	return errors.Join(found...)
}

func (s Signature) hasTime() bool {
	return s.TimestampHeader != "" || s.TimestampPrefix != "" || s.TimestampAt != ""
}

func (s Signature) hasID() bool { return s.IDHeader != "" || s.IDAt != "" }

// MustProof is Proof for descriptions that stand in code, such as those of providers. It panics on a fault. One with {url}
// needs no URL, which only a configuration knows: Adapted refuses it without.
func (s Signature) MustProof() Proof {
	proof, err := s.withoutURL()
	if err != nil {
		panic(fmt.Sprintf("signature in %q: %s", s.Header, err))
	}
	return proof
}

// SignatureOf returns the description that a proof was made of, the first where there are two families of headers; not ok
// when the proof is no signature.
func SignatureOf(p Proof) (described Signature, ok bool) {
	switch own := p.(type) {
	case signature:
		return own.Signature, true
	case families:
		return own.first.Signature, true
	default:
		return Signature{}, false
	}
}

// Adapted returns the signature of a provider with a source's changes, whose empty fields mean the provider's.
func Adapted(p Proof, change Signature) (Proof, error) {
	if own, ok := p.(families); ok && change.Header == "" && change.TimestampHeader == "" && change.IDHeader == "" {
		return Families(change.Or(own.first.Signature), change.Or(own.second.Signature))
	}
	own, _ := SignatureOf(p)
	return change.Or(own).Proof()
}

// signature is a Signature that has no faults.
type signature struct {
	Signature
	text signed.Text
}

func (signature) CoversBody() bool { return true }

func (s signature) alteredBodies(body []byte) iter.Seq[altered.Body] { return altered.Bodies(body) }

func (s signature) mismatch() *Refusal {
	return &Refusal{Cause: CauseWrongSecret, Detail: fmt.Sprintf("the signature in %s was made with none of the source's secrets, or of another body", s.place())}
}

// place names where the signature is.
func (s signature) place() string {
	if s.Header != "" {
		return s.Header
	}
	return s.At
}

// size returns the length of a signature in bytes, 0 where that differs.
func (s signature) size() int {
	switch s.Algorithm {
	case AlgorithmHMAC, AlgorithmDigest:
		return newHash(s.Hash)().Size()
	case AlgorithmEd25519:
		return 64
	default:
		return 0
	}
}

// maxCode bounds a signature whose length differs, in bytes: that of a key of 8,192 bits.
const maxCode = 1024

// isCode reports whether the bytes have the length of a signature.
func (s signature) isCode(code []byte) bool {
	if size := s.size(); size > 0 {
		return len(code) == size
	}
	return len(code) > 0 && len(code) <= maxCode
}
