package proof

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"strings"

	"sluice.internal/shared/proof/internal/altered"
	"sluice.internal/shared/proof/internal/request"
)

// Token proves by a token in the named header. One or two schemes such as Bearer may stand before it, in the request and
// in the secret.
func Token(header string) Proof { return token{header: http.CanonicalHeaderKey(header)} }

// Basic proves by a user and a password in the Authorization header (RFC 7617). The secret is both, with a colon between
// them.
func Basic() Proof { return token{header: "Authorization", basic: true} }

// PathSecret proves by a secret that follows the source's path. It is for senders that can do nothing else: paths are
// written into the logs of proxies.
func PathSecret() Proof { return token{} }

// QueryToken proves by a token in a parameter of the URL. It is for senders that can do nothing else: URLs are written into
// the logs of proxies.
func QueryToken(parameter string) Proof { return token{query: parameter} }

// BodyToken proves by a token at a place in the body: a JSON pointer, or / and the name of a form's field. Whoever may read
// the notification may read the token.
func BodyToken(place string) Proof { return token{at: place} }

// token is a secret that a request carries as it is. Tokens are compared as digests, so that neither their length nor the
// place of the first difference shows in the time it takes.
type token struct {
	// header is the canonical name of the field with the token, query the parameter, at the place in the body. All are empty
	// for one in the path.
	header, query, at string
	// basic is set for a user and a password in base64.
	basic bool
}

func (t token) CoversBody() bool { return t.at != "" }

// inPath reports whether the secret follows the source's path.
func (t token) inPath() bool { return t.header == "" && t.query == "" && t.at == "" }

// carrier names the place of the token among the digests that are kept of a refused request: a field of the header, ? and a
// parameter, or "" for the path.
func (t token) carrier() string {
	if t.query != "" {
		return "?" + t.query
	}
	return t.header
}

// place names the place of the token to the operator.
func (t token) place() string {
	switch {
	case t.query != "":
		return fmt.Sprintf("the parameter %s of the URL", t.query)
	case t.at != "":
		return fmt.Sprintf("the place %s of the body", t.at)
	default:
		return fmt.Sprintf("the %s header", t.header)
	}
}

// bare returns the secret as a request has it, without schemes, white space and slashes around it.
func (t token) bare(secret string) string {
	switch {
	case t.inPath():
		return strings.Trim(secret, "/")
	case t.basic, t.header == "":
		return strings.TrimSpace(secret)
	default:
		return BareToken(secret)
	}
}

func (t token) key(secret string) (key, error) {
	bare := t.bare(secret)
	if bare == "" {
		return key{}, ErrEmptySecret
	}
	if t.basic && !strings.Contains(bare, ":") {
		return key{}, errors.New("is no user and password with a colon between")
	}
	if t.inPath() && strings.ContainsFunc(bare, notInPath) {
		return key{}, errors.New("has characters that do not stand for themselves in a path; use letters, digits, '-', '.', '_' and '~'")
	}
	digest := sha256.Sum256([]byte(bare))
	return key{bytes: digest[:]}, nil
}

// notInPath reports whether the character is another one in a URL than in a path, or is escaped there (RFC 3986, 2.3).
func notInPath(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-._~", r)
}

// text returns the token that the request carries, "" when it has none or several that differ.
func (t token) text(r *Request) string {
	switch {
	case t.query != "":
		return request.Only(Distinct(r.Query[t.query]))
	case t.at != "":
		return strings.TrimSpace(request.TextAt(t.at, r))
	case t.header == "":
		return r.Rest
	}
	values := t.fields(r)
	if len(values) != 1 {
		return ""
	}
	if !t.basic {
		return BareToken(values[0])
	}
	scheme, code, _ := strings.Cut(strings.TrimSpace(values[0]), " ")
	pair, err := base64.StdEncoding.DecodeString(strings.TrimSpace(code))
	if err != nil || !strings.EqualFold(scheme, "Basic") {
		return ""
	}
	return strings.TrimSpace(string(pair))
}

// fields returns the values of the header field that differ, at most two: a token with and one without a scheme are one.
func (t token) fields(r *Request) []string {
	values := Distinct(r.Header.Values(t.header))
	if len(values) == 2 && !t.basic && BareToken(values[0]) == BareToken(values[1]) {
		return values[:1]
	}
	return values
}

func (t token) present(r *Request) presented {
	text := t.text(r)
	digest := sha256.Sum256([]byte(text))
	if text == "" {
		return presented{}
	}
	return presented{given: [][]byte{digest[:]}}
}

func (token) fits(_ *Request, p *presented, key key) int { return p.matches(key.bytes) }

func (t token) diagnose(r *Request, p *presented, _ Hints) *Refusal {
	switch {
	case t.inPath() && r.Rest == "":
		return &Refusal{Cause: CauseMissingToken, Detail: "nothing follows the source's path, where the secret belongs"}
	case len(Distinct(r.Query[t.query])) > 1:
		return &Refusal{Cause: CauseWrongToken, Detail: fmt.Sprintf("the request has more than one token at %s", t.place())}
	case t.header == "" && !t.inPath() && len(p.given) == 0:
		return &Refusal{Cause: CauseMissingToken, Detail: fmt.Sprintf("there is no token at %s", t.place())}
	case t.header == "":
		return nil
	}
	switch values := t.fields(r); {
	case len(values) == 0 && r.Header.Get(elsewhere(t.header)) != "":
		return &Refusal{Cause: CauseWrongHeader, Detail: fmt.Sprintf("the request has no %s header, but one called %s; the token belongs into the first",
			t.header, elsewhere(t.header))}
	case len(values) == 0:
		return &Refusal{Cause: CauseMissingToken, Detail: fmt.Sprintf("the request has no %s header", t.header)}
	case len(values) > 1:
		return &Refusal{Cause: CauseWrongToken, Detail: fmt.Sprintf("the request has more than one %s header, and they differ", t.header)}
	case len(p.given) == 0:
		return &Refusal{Cause: CauseWrongToken, Detail: fmt.Sprintf("the %s header holds no token", t.header)}
	}
	return nil
}

// elsewhere returns the header in which a token is sent by mistake.
func elsewhere(header string) string {
	if header == "Authorization" {
		return "X-Api-Key"
	}
	return "Authorization"
}

func (token) alteredBodies([]byte) iter.Seq[altered.Body] { return altered.None }

func (t token) mismatch() *Refusal {
	if t.inPath() {
		return &Refusal{Cause: CauseWrongToken, Detail: "the secret in the path is none of the source's"}
	}
	return &Refusal{Cause: CauseWrongToken, Detail: fmt.Sprintf("the token in %s is none of the source's", t.place())}
}

// Sign puts the token where it belongs.
func (t token) Sign(d *Draft, secret string) error {
	if _, err := t.key(secret); err != nil {
		return err
	}
	bare := t.bare(secret)
	switch {
	case t.query != "":
		return request.SetAt(d, request.InQuery+t.query, bare)
	case t.at != "":
		return request.SetAt(d, t.at, bare)
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
