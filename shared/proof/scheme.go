package proof

import (
	"slices"
	"strings"
)

// maxSchemes is how many schemes may stand before a token. GREEN-API stores "Bearer x" where a user enters that, puts
// "Bearer" before it, and so sends "Bearer Bearer x".
const maxSchemes = 2

// CutSchemes takes up to two words such as Bearer, which say how a token is to be read, off its beginning. The schemes
// come back as they are written, each with a space behind it. A scheme alone leaves an empty token.
//
// Verifiers and logs use this one function: a log shows as a scheme what a verifier takes for one.
func CutSchemes(value string) (schemes, token string) {
	token = strings.TrimSpace(value)
	for range maxSchemes {
		word, rest, _ := strings.Cut(token, " ")
		if !isScheme(word) {
			break
		}
		schemes += word + " "
		token = strings.TrimSpace(rest)
	}
	return schemes, token
}

// BareToken returns the value without the schemes before it.
func BareToken(value string) string {
	_, bare := CutSchemes(value)
	return bare
}

// isScheme knows the schemes that stand before a token: those of RFC 6750 and 7617, and two that many senders use without
// a standard. Digest (RFC 7616) is followed by parameters and not by a token.
func isScheme(word string) bool {
	return slices.ContainsFunc([]string{"Bearer", "Basic", "Token", "ApiKey"}, func(scheme string) bool {
		return strings.EqualFold(word, scheme)
	})
}
