package source

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"
)

// authorizationToken makes a Verifier that looks for one of the tokens in the Authorization header, with one
// or two scheme prefixes or none: GREEN-API stores "Bearer x" and may send "Bearer Bearer x".
// Tokens may be given with their prefixes too. All are compared in constant time.
func authorizationToken(tokens []string) Verifier {
	digests := make([][sha256.Size]byte, 0, len(tokens))
	for _, token := range tokens {
		digests = append(digests, sha256.Sum256([]byte(bareToken(token))))
	}
	return func(header http.Header) error {
		values := header.Values("Authorization")
		if len(values) == 0 {
			return &Refusal{Cause: CauseMissingToken, Detail: "the request has no Authorization header"}
		}
		if len(values) > 1 {
			return &Refusal{Cause: CauseWrongToken, Detail: "the request has more than one Authorization header"}
		}
		if !matchesAny(digests, bareToken(values[0])) {
			return &Refusal{Cause: CauseWrongToken, Detail: "the token in the Authorization header is none of the source's"}
		}
		return nil
	}
}

// matchesAny compares digests, so that neither the length nor the place of the first difference shows in the
// time it takes, and always all of them, so that neither does which token matched.
func matchesAny(digests [][sha256.Size]byte, token string) bool {
	given := sha256.Sum256([]byte(token))
	matched := 0
	for i := range digests {
		matched |= subtle.ConstantTimeCompare(digests[i][:], given[:])
	}
	return matched == 1 && token != ""
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
