package source

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // Some senders sign with nothing better, and as HMAC it is not broken.
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"strconv"
	"strings"
	"time"
)

// Signature describes an HMAC in a header. Its zero fields are as with GitHub: the body, SHA-256, in hexadecimal digits.
type Signature struct {
	// Header has the signature.
	Header string
	// Prefix stands before each signature, such as "sha256=".
	Prefix string
	// Separator stands between what the header has several of; empty when it has one signature and nothing else.
	Separator string
	// Encoding is "hex" or "base64".
	Encoding string
	// Hash is "sha256", "sha1" or "sha512".
	Hash string
	// Signed is what is signed, with {body}, {timestamp} and {id} in it.
	Signed string
	// TimestampHeader has the time of signing, in seconds or milliseconds since 1970 or as RFC 3339.
	TimestampHeader string
	// TimestampPrefix stands before the time when that is in the same header as the signature.
	TimestampPrefix string
	// IDHeader has the id.
	IDHeader string
	// Tolerance is how far the time of signing may be from now.
	Tolerance time.Duration
	// SecretPrefix marks secrets that are base64 behind it, such as "whsec_". It may be left out.
	SecretPrefix string
}

// What a Signature is made of.
const (
	EncodingHex    = "hex"
	EncodingBase64 = "base64"
	HashSHA1       = "sha1"
	HashSHA256     = "sha256"
	HashSHA512     = "sha512"

	placeBody      = "{body}"
	placeTimestamp = "{timestamp}"
	placeID        = "{id}"
)

const (
	// mostElements is how many elements of a header are read.
	mostElements = 32
	// maxStamp bounds a time and an id, in bytes.
	maxStamp = 256
)

// Or takes what s leaves open from other.
func (s Signature) Or(other Signature) Signature {
	for _, field := range []struct{ mine, theirs *string }{
		{&s.Header, &other.Header},
		{&s.Prefix, &other.Prefix},
		{&s.Separator, &other.Separator},
		{&s.Encoding, &other.Encoding},
		{&s.Hash, &other.Hash},
		{&s.Signed, &other.Signed},
		{&s.TimestampHeader, &other.TimestampHeader},
		{&s.TimestampPrefix, &other.TimestampPrefix},
		{&s.IDHeader, &other.IDHeader},
		{&s.SecretPrefix, &other.SecretPrefix},
	} {
		if *field.mine == "" {
			*field.mine = *field.theirs
		}
	}
	if s.Tolerance == 0 {
		s.Tolerance = other.Tolerance
	}
	return s
}

// defaultTolerance is what the specification of Standard Webhooks, Slack and Stripe all use.
const defaultTolerance = 5 * time.Minute

// Proof checks the description and makes a proof of it. All faults are in the error.
func (s Signature) Proof() (Proof, error) {
	s = s.Or(Signature{Encoding: EncodingHex, Hash: HashSHA256, Signed: placeBody, Tolerance: defaultTolerance})
	var faults []error
	complain := func(wrong bool, message string) {
		if wrong {
			faults = append(faults, errors.New(message))
		}
	}
	complain(s.Header == "", "signature.header is missing")
	complain(s.Encoding != EncodingHex && s.Encoding != EncodingBase64, "signature.encoding must be hex or base64")
	complain(newHash(s.Hash) == nil, "signature.hash must be sha256, sha1 or sha512")
	complain(!strings.Contains(s.Signed, placeBody), "signature.signed must have {body} in it")
	complain(strings.Contains(s.Signed, placeTimestamp) && s.TimestampHeader == "" && s.TimestampPrefix == "",
		"signature.signed has {timestamp} in it, so signature.timestamp_header or signature.timestamp_prefix must say where it is")
	complain(s.TimestampPrefix != "" && s.Separator == "", "signature.timestamp_prefix needs signature.separator")
	complain(strings.Contains(s.Signed, placeID) && s.IDHeader == "",
		"signature.signed has {id} in it, so signature.id_header must say where it is")
	complain(s.Tolerance < 0, "tolerance must not be negative")
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	return signature{s}, nil
}

// mustProof is for the descriptions in this package.
func (s Signature) mustProof() Proof {
	proof, err := s.Proof()
	if err != nil {
		panic(fmt.Sprintf("signature in %q: %s", s.Header, err))
	}
	return proof
}

func newHash(name string) func() hash.Hash {
	switch name {
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

// signature is a Signature that has no faults.
type signature struct{ Signature }

func (signature) CoversBody() bool { return true }

func (s signature) key(secret string) ([]byte, error) {
	secret = strings.TrimSpace(secret)
	if secret == "" {
		return nil, errEmptySecret
	}
	if s.SecretPrefix == "" {
		return []byte(secret), nil
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, s.SecretPrefix))
	if err != nil || len(key) == 0 {
		return nil, fmt.Errorf("must be %s and base64 behind it", s.SecretPrefix)
	}
	return key, nil
}

// code is the HMAC of what is signed.
func (s signature) code(key, body []byte, stamp, id string) []byte {
	mac := hmac.New(newHash(s.Hash), key)
	for rest := s.Signed; rest != ""; {
		open := strings.IndexByte(rest, '{')
		if open < 0 {
			open = len(rest)
		}
		mac.Write([]byte(rest[:open]))
		rest = rest[open:]
		switch {
		case strings.HasPrefix(rest, placeBody):
			mac.Write(body)
			rest = rest[len(placeBody):]
		case strings.HasPrefix(rest, placeTimestamp):
			mac.Write([]byte(stamp))
			rest = rest[len(placeTimestamp):]
		case strings.HasPrefix(rest, placeID):
			mac.Write([]byte(id))
			rest = rest[len(placeID):]
		case rest != "": // A brace that means itself.
			mac.Write([]byte{rest[0]})
			rest = rest[1:]
		}
	}
	return mac.Sum(nil)
}

func (s signature) expect(r *Request, what *shown, key []byte) []byte {
	return s.code(key, r.Body, what.stamp, what.id)
}

func (s signature) altered(body []byte) []alteration { return alterations(body) }

func (s signature) wrong() *Refusal {
	return &Refusal{Cause: CauseWrongSecret, Detail: fmt.Sprintf("the signature in %s was made with none of the source's secrets, or of another body", s.Header)}
}

// Sign signs the draft's body.
func (s signature) Sign(d *Draft, secret string) error {
	key, err := s.key(secret)
	if err != nil {
		return err
	}
	stamp, id := strconv.FormatInt(d.At.Unix(), 10), ""
	if s.IDHeader != "" {
		d.setDefault(s.IDHeader, "msg_"+rand.Text())
		id = d.Header.Get(s.IDHeader)
	}
	if s.TimestampHeader != "" {
		d.Header.Set(s.TimestampHeader, stamp)
	}
	value := s.Prefix + s.encode(s.code(key, d.Body, stamp, id))
	if s.TimestampPrefix != "" {
		value = s.TimestampPrefix + stamp + s.Separator + value
	}
	d.Header.Set(s.Header, value)
	return nil
}

// size is the length of a signature in bytes.
func (s signature) size() int { return newHash(s.Hash)().Size() }
