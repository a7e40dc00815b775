package proof

import (
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"

	"sluice.internal/shared/proof/internal/request"
	"sluice.internal/shared/proof/internal/signed"
)

// A refused request is stored without its secrets and may have to be verified again, against another configuration. A
// signature gives nothing away and is stored as it is. Of a token a salted hash is stored: it shows whether another token
// is the same. Guessing takes hashRounds computations for each guess and each request.
const (
	hashRounds = 10_000
	saltSize   = 16
)

// HashToken returns the digest of a token, with a salt of its own, for storing. The token must come without the schemes
// before it (BareToken). It takes some milliseconds, so it must not hold up an answer.
func HashToken(token string) string {
	var salt [saltSize]byte
	_, _ = rand.Read(salt[:]) // It never fails.
	digest, err := digestOf(token, salt[:])
	if err != nil {
		return ""
	}
	return base64.RawStdEncoding.EncodeToString(append(salt[:], digest...))
}

func digestOf(secret string, salt []byte) ([]byte, error) {
	return pbkdf2.Key(sha256.New, secret, salt, hashRounds, sha256.Size)
}

// digestMatches returns 1 when the stored digest is that of the secret, else 0.
func digestMatches(stored, secret string) int {
	content, err := base64.RawStdEncoding.DecodeString(stored)
	if err != nil || len(content) != saltSize+sha256.Size {
		return 0
	}
	digest, err := digestOf(secret, content[:saltSize])
	if err != nil {
		return 0
	}
	return subtle.ConstantTimeCompare(digest, content[saltSize:])
}

// VerifyStored is Verify for a request that was stored. Digests are those of its tokens, by the canonical name of the
// header that had each, ? and the name of a parameter of the URL, or "" for the one in the path. A certificate is not
// stored, so that such a request never passes.
func (v *Verifier) VerifyStored(r *Request, digests map[string]string) Result {
	return v.any(func(w *way) Result { return w.verifyStored(r, digests) })
}

func (w *way) verifyStored(r *Request, digests map[string]string) Result {
	carrier, ok := w.proof.(token)
	if !ok || carrier.CoversBody() {
		return w.verify(r)
	}
	found, index := 0, 0
	for i, secret := range w.secrets {
		if !secret.validAt(r.At) {
			continue
		}
		hit := digestMatches(digests[carrier.carrier()], carrier.written(secret.Text))
		index = subtle.ConstantTimeSelect(hit&(1-found), i, index)
		found |= hit
	}
	return Result{OK: found == 1, Secret: index}
}

// DiagnoseStored is Diagnose for a request that was stored. It does not try the secrets of other sources.
func (v *Verifier) DiagnoseStored(r *Request, digests map[string]string, hints Hints) *Refusal {
	hints.Others = nil
	return v.first(func(w *way) *Refusal { return w.diagnoseStored(r, digests, hints) })
}

func (w *way) diagnoseStored(r *Request, digests map[string]string, hints Hints) *Refusal {
	if _, ok := w.proof.(certificate); ok {
		return &Refusal{Cause: CauseNoCertificate, Detail: "certificates are not kept, so that only you can vouch for it"}
	}
	carrier, ok := w.proof.(token)
	if !ok || carrier.CoversBody() {
		return w.diagnose(r, hints)
	}
	digest := digests[carrier.carrier()]
	if digest == "" {
		return &Refusal{Cause: CauseMissingToken, Detail: "no token was kept where the source expects one"}
	}
	for _, secret := range w.secrets {
		if !secret.validAt(r.At) && digestMatches(digest, carrier.written(secret.Text)) == 1 {
			return &Refusal{Cause: CauseExpiredSecret, Detail: "it has a secret of the source that was not valid when the request came"}
		}
	}
	return carrier.mismatch()
}

// written returns the secret as a request has it, without the scheme before it.
func (t token) written(secret string) string {
	if t.basic {
		return base64.StdEncoding.EncodeToString([]byte(t.bare(secret)))
	}
	return t.bare(secret)
}

// Fields are the parts of a request that a proof reads. Names of header fields are canonical.
type Fields struct {
	// Secret is the header field with a secret, Parameter the parameter of the URL; "" where there is none.
	Secret, Parameter string
	// Signatures are the header fields with the signature, of which there may be several families. Open are others that give
	// nothing away, and signatures that are made with a private key: no secret of the source's can get into these.
	Signatures []string
	Open       []string
	// Query says that the whole query of the URL takes part.
	Query bool
	// InPath says that a secret follows the source's path.
	InPath bool
}

// FieldsOf returns what a proof reads of a request beside its body.
func FieldsOf(proof Proof) Fields {
	switch own := proof.(type) {
	case token:
		return Fields{Secret: own.header, Parameter: own.query, InPath: own.inPath()}
	case signature:
		return own.fields()
	case families:
		one, other := own.first.fields(), own.second.fields()
		one.Open, one.Signatures = append(one.Open, other.Open...), append(one.Signatures, other.Signatures...)
		return one
	default:
		return Fields{}
	}
}

func (s signature) fields() Fields {
	fields := Fields{Open: s.text.Headers()}
	switch header := http.CanonicalHeaderKey(s.Header); {
	case header == "":
	case s.IsPublic():
		fields.Open = append(fields.Open, header)
	default:
		fields.Signatures = []string{header}
	}
	for _, place := range []string{s.timestampPlaceOf(), s.idPlaceOf(), s.BodyDigestAt, s.At} {
		if name, ok := strings.CutPrefix(place, request.InHeader); ok {
			fields.Open = append(fields.Open, http.CanonicalHeaderKey(name))
		}
		fields.Query = fields.Query || strings.HasPrefix(place, request.InQuery)
	}
	fields.Query = fields.Query || s.text.Has(signed.PlaceURL) || s.text.Has(signed.PlaceQuery)
	return fields
}

// maxWord is the length of a time, a version or another word beside a signature, in bytes.
const maxWord = 16

// LooksSigned reports whether a header's value has a signature in it and nothing else that is longer than a word. Then it
// has no secret, unless one that looks like a signature.
func LooksSigned(value string) bool {
	found := false
	for element := range strings.FieldsFuncSeq(value, func(r rune) bool { return r == ',' || r == ';' || r == ' ' }) {
		if name, rest, ok := strings.Cut(element, "="); ok && len(name) <= maxWord && strings.Trim(rest, "=") != "" {
			element = rest
		}
		switch {
		case isDigest(element):
			found = true
		case len(element) > maxWord:
			return false
		}
	}
	return found
}

// isDigest reports whether the text has the length of a digest in hexadecimal digits or base64.
func isDigest(text string) bool {
	sizes := []int{20, 32, 64} // SHA-1, SHA-256 and SHA-512.
	if digest, err := hex.DecodeString(text); err == nil {
		return slices.Contains(sizes, len(digest))
	}
	digest, err := base64.StdEncoding.DecodeString(text)
	return err == nil && slices.Contains(sizes, len(digest))
}
