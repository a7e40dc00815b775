package source

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// authorizationToken looks for a token in the Authorization header, with one or two scheme prefixes or none: GREEN-API
// stores "Bearer x" and may send "Bearer Bearer x". Tokens may be given with their prefixes too.
var authorizationToken Proof = token{header: "Authorization"}

// Token proves by a token in the named header, which may have a scheme such as Bearer in front of it.
func Token(header string) Proof { return token{header: http.CanonicalHeaderKey(header)} }

// Basic proves by a user and a password in the Authorization header (RFC 7617). The secret is both, with a colon between.
func Basic() Proof { return token{header: "Authorization", basic: true} }

// PathSecret proves by a secret that follows the source's path.
func PathSecret() Proof { return token{} }

// token is a secret that a request carries as it is. All are compared as digests, so that neither the length nor the
// place of the first difference shows in the time it takes.
type token struct {
	// header has the token; empty for one in the path.
	header string
	basic  bool
}

func (token) CoversBody() bool { return false }

func (t token) bare(secret string) string {
	switch {
	case t.header == "":
		return strings.Trim(secret, "/")
	case t.basic:
		return strings.TrimSpace(secret)
	default:
		return bareToken(secret)
	}
}

func (t token) key(secret string) ([]byte, error) {
	bare := t.bare(secret)
	if bare == "" {
		return nil, errEmptySecret
	}
	if t.basic && !strings.Contains(bare, ":") {
		return nil, errors.New("is no user and password with a colon between")
	}
	if t.header == "" && strings.ContainsFunc(bare, notInPath) {
		return nil, errors.New("has characters that do not stand for themselves in a path; use letters, digits, '-', '.', '_' and '~'")
	}
	digest := sha256.Sum256([]byte(bare))
	return digest[:], nil
}

func notInPath(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-._~", r)
}

// text is the token that the request carries, "" when it has none or more than one.
func (t token) text(r *Request) string {
	if t.header == "" {
		return r.Rest
	}
	values := r.Header.Values(t.header)
	if len(values) != 1 {
		return ""
	}
	if !t.basic {
		return bareToken(values[0])
	}
	scheme, code, _ := strings.Cut(strings.TrimSpace(values[0]), " ")
	pair, err := base64.StdEncoding.DecodeString(strings.TrimSpace(code))
	if err != nil || !strings.EqualFold(scheme, "Basic") {
		return ""
	}
	return strings.TrimSpace(string(pair))
}

func (t token) show(r *Request) shown {
	text := t.text(r)
	digest := sha256.Sum256([]byte(text))
	if text == "" {
		return shown{}
	}
	return shown{given: [][]byte{digest[:]}}
}

func (token) expect(_ *Request, _ *shown, key []byte) []byte { return key }

func (t token) diagnose(r *Request, s *shown) *Refusal {
	if t.header == "" {
		if r.Rest == "" {
			return &Refusal{Cause: CauseMissingToken, Detail: "nothing follows the source's path, where the secret belongs"}
		}
		return nil
	}
	switch values := r.Header.Values(t.header); {
	case len(values) == 0 && r.Header.Get(elsewhere(t.header)) != "":
		return &Refusal{Cause: CauseWrongHeader, Detail: fmt.Sprintf("the request has no %s header, but one called %s; the token belongs into the first",
			t.header, elsewhere(t.header))}
	case len(values) == 0:
		return &Refusal{Cause: CauseMissingToken, Detail: fmt.Sprintf("the request has no %s header", t.header)}
	case len(values) > 1:
		return &Refusal{Cause: CauseWrongToken, Detail: fmt.Sprintf("the request has more than one %s header", t.header)}
	case len(s.given) == 0:
		return &Refusal{Cause: CauseWrongToken, Detail: fmt.Sprintf("the %s header holds no token", t.header)}
	}
	return nil
}

// elsewhere is the header that a token is sent in by mistake.
func elsewhere(header string) string {
	if header == "Authorization" {
		return "X-Api-Key"
	}
	return "Authorization"
}

func (token) altered([]byte) []alteration { return nil }

func (t token) wrong() *Refusal {
	if t.header == "" {
		return &Refusal{Cause: CauseWrongToken, Detail: "the secret in the path is none of the source's"}
	}
	return &Refusal{Cause: CauseWrongToken, Detail: fmt.Sprintf("the token in the %s header is none of the source's", t.header)}
}

// Sign puts the token where it belongs.
func (t token) Sign(d *Draft, secret string) error {
	if _, err := t.key(secret); err != nil {
		return err
	}
	bare := t.bare(secret)
	switch {
	case t.header == "":
		d.URL = d.URL.JoinPath(bare)
	case t.basic:
		d.Header.Set(t.header, "Basic "+base64.StdEncoding.EncodeToString([]byte(bare)))
	case t.header == "Authorization":
		d.Header.Set(t.header, "Bearer "+bare)
	default:
		d.Header.Set(t.header, bare)
	}
	return nil
}

// bareToken takes off up to two scheme prefixes. A scheme alone leaves nothing, which is no token.
func bareToken(value string) string {
	value = strings.TrimSpace(value)
	for range 2 {
		scheme, rest, _ := strings.Cut(value, " ")
		if !isScheme(scheme) {
			break
		}
		value = strings.TrimSpace(rest)
	}
	return value
}

func isScheme(word string) bool {
	return strings.EqualFold(word, "Bearer") || strings.EqualFold(word, "Basic")
}
