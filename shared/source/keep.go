package source

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
)

// A refused request is kept without its secrets and may have to be verified again, against another configuration. A
// signature gives nothing away and is kept as it is. A token is sealed: what is kept shows whether another one is the
// same, and to find it out by guessing takes sealRounds computations for each guess and each request.
const (
	sealRounds = 10_000
	saltSize   = 16
)

// Seal makes of a secret, without the scheme in front of it, what may be kept of it. It takes some milliseconds.
func Seal(secret string) string {
	var salt [saltSize]byte
	_, _ = rand.Read(salt[:]) // It never fails.
	digest, err := sealed(secret, salt[:])
	if err != nil {
		return ""
	}
	return base64.RawStdEncoding.EncodeToString(append(salt[:], digest...))
}

func sealed(secret string, salt []byte) ([]byte, error) {
	return pbkdf2.Key(sha256.New, secret, salt, sealRounds, sha256.Size)
}

// seals tells whether a seal is that of the secret: 1 or 0.
func seals(seal, secret string) int {
	content, err := base64.RawStdEncoding.DecodeString(seal)
	if err != nil || len(content) != saltSize+sha256.Size {
		return 0
	}
	digest, err := sealed(secret, content[:saltSize])
	if err != nil {
		return 0
	}
	return subtle.ConstantTimeCompare(digest, content[saltSize:])
}

// VerifyKept is Verify for a request that was kept: with its secrets sealed, by the canonical name of the header that
// had them, empty for one in the path.
func (v *Verifier) VerifyKept(r *Request, kept map[string]string) Verdict {
	carrier, ok := v.proof.(token)
	if !ok {
		return v.Verify(r)
	}
	found, place := 0, 0
	for i, secret := range v.secrets {
		if !secret.validAt(r.At) {
			continue
		}
		hit := seals(kept[carrier.header], carrier.written(secret.Text))
		place = subtle.ConstantTimeSelect(hit&(1-found), i, place)
		found |= hit
	}
	return Verdict{OK: found == 1, Secret: place}
}

// DiagnoseKept is Diagnose for a request that was kept.
func (v *Verifier) DiagnoseKept(r *Request, kept map[string]string) *Refusal {
	if _, ok := v.proof.(certificate); ok {
		return &Refusal{Cause: CauseNoCertificate, Detail: "certificates are not kept, so that only you can vouch for it"}
	}
	carrier, ok := v.proof.(token)
	if !ok {
		return v.Diagnose(r, nil)
	}
	if kept[carrier.header] == "" {
		return &Refusal{Cause: CauseMissingToken, Detail: "no token was kept where the source expects one"}
	}
	for _, secret := range v.secrets {
		if !secret.validAt(r.At) && seals(kept[carrier.header], carrier.written(secret.Text)) == 1 {
			return &Refusal{Cause: CauseExpiredSecret, Detail: "it has a secret of the source that was not valid when the request came"}
		}
	}
	return carrier.wrong()
}

// written is how a request has the secret, without the scheme in front of it.
func (t token) written(secret string) string {
	if t.basic {
		return base64.StdEncoding.EncodeToString([]byte(t.bare(secret)))
	}
	return t.bare(secret)
}

// BareToken takes off up to two schemes such as Bearer, as the verifiers of tokens do.
func BareToken(value string) string { return bareToken(value) }

// Fields says in which header fields a proof looks: in one for a secret, and in those that give nothing away, the first
// of them for a signature. Either may be empty.
func Fields(proof Proof) (secret string, open []string) {
	switch own := proof.(type) {
	case token:
		return own.header, nil
	case signature:
		open = []string{own.Header, own.TimestampHeader, own.IDHeader}
		for i := range open {
			open[i] = http.CanonicalHeaderKey(open[i])
		}
		return "", open
	default:
		return "", nil
	}
}

// longestLabel is the length of a time, a version or another word beside a signature.
const longestLabel = 16

// LooksSigned tells whether a header's value has a signature in it and nothing that is longer than a label: then there
// is no secret in it, unless one looks like a signature.
func LooksSigned(value string) bool {
	found := false
	for element := range strings.FieldsFuncSeq(value, func(r rune) bool { return r == ',' || r == ';' || r == ' ' }) {
		if name, rest, ok := strings.Cut(element, "="); ok && len(name) <= longestLabel && strings.Trim(rest, "=") != "" {
			element = rest
		}
		switch {
		case isDigest(element):
			found = true
		case len(element) > longestLabel:
			return false
		}
	}
	return found
}

func isDigest(text string) bool {
	sizes := []int{20, 32, 64} // SHA-1, SHA-256 and SHA-512.
	if digest, err := hex.DecodeString(text); err == nil {
		return slices.Contains(sizes, len(digest))
	}
	digest, err := base64.StdEncoding.DecodeString(text)
	return err == nil && slices.Contains(sizes, len(digest))
}
