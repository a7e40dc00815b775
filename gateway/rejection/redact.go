package rejection

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"sluice.internal/shared/proof"
	"sluice.internal/shared/source"
)

const (
	// maxValue is the most bytes of a header value, maxName of its name and maxHeader of all that is kept
	// of a header as JSON. The store takes 16 KiB.
	maxValue  = 1 << 10
	maxName   = 128
	maxHeader = 12 << 10
	// maxText is the most bytes of a client's text in a log line.
	maxText = 200
)

// redactor knows the secrets of all sources, so that a client that puts one in a wrong place does not bring it into a
// log or a rejection.
type redactor struct{ replacer *strings.Replacer }

func newRedactor(sources []*source.Configured) redactor {
	var pairs []string
	for _, from := range sources {
		for _, text := range from.SecretTexts() {
			if secret := proof.BareToken(text); secret != "" {
				pairs = append(pairs, secret, "[redacted]")
			}
		}
	}
	return redactor{strings.NewReplacer(pairs...)}
}

// hide takes the secrets of all sources out of a text.
func (r redactor) hide(text string) string { return r.replacer.Replace(text) }

// header returns the request's header fields for the operator: bounded, and with nothing in it that lets
// somebody in.
//
// What a source reads of a request stays as it is, and so does a signature, which lets nobody in.
func (r redactor) header(request *http.Request, from *source.Configured) map[string][]string {
	header := map[string][]string{"Host": {r.value("Host", request.Host)}}
	left, omitted := maxHeader, 0
	for _, name := range slices.Sorted(maps.Keys(request.Header)) {
		values := make([]string, 0, 1)
		for _, value := range request.Header[name] {
			values = append(values, r.field(name, value, from))
		}
		size := jsonSize(name) + jsonSize(values)
		if len(name) > maxName || size > left {
			omitted++
			continue
		}
		left -= size
		header[r.hide(name)] = values
	}
	for _, name := range from.Header { // No field has such a name, but a client may send anything.
		parameter, ok := strings.CutPrefix(name, source.QueryField)
		if value := request.URL.Query().Get(parameter); ok && value != "" {
			header[name] = []string{cut(r.hide(value), maxValue)}
		}
	}
	if omitted > 0 {
		header["Sluice-Omitted"] = []string{fmt.Sprintf("%d fields were too large", omitted)}
	}
	return header
}

// field redacts a value by what the source reads in the field.
func (r redactor) field(name, value string, from *source.Configured) string {
	switch {
	case isOwnSecret(name, from):
		return redactSecret(value)
	case isOpen(name, from): // Such as X-Signature-Timestamp, which is no signature.
		return cut(r.hide(value), maxValue)
	case signs(name), isOwnSignature(name, from):
		if proof.LooksSigned(value) {
			return cut(r.hide(value), maxValue)
		}
		return redactSecret(value)
	}
	return r.value(name, value)
}

// query returns the query of a URL for a source whose signatures cover it, "" for any other: many carry secrets.
func (r redactor) query(request *http.Request, from *source.Configured) string {
	if !slices.ContainsFunc(from.Reads, func(read proof.Fields) bool { return read.Query }) {
		return ""
	}
	return cut(r.hide(request.URL.RawQuery), maxValue)
}

// value redacts a value by the name of its field alone.
func (r redactor) value(name, value string) string {
	if isSecret(name) {
		return redactSecret(value)
	}
	if containsAny(strings.ToLower(name), "url", "uri", "referer") {
		value = cutQuery(value)
	}
	return cut(r.hide(value), maxValue)
}

func jsonSize(value any) int {
	document, err := json.Marshal(value)
	if err != nil {
		return maxHeader + 1
	}
	return len(document) + 2
}

// isSecret reports whether a field's name says that it has a secret. Short words count where they are a whole part of the
// name, as in X-Webhook-Code: elsewhere they are parts of others.
func isSecret(name string) bool {
	name = strings.ToLower(name)
	if containsAny(name, "auth", "cookie", "token", "secret", "key", "passw", "passphrase", "pwd", "credential", "session", "bearer") {
		return true
	}
	for part := range strings.FieldsFuncSeq(name, func(r rune) bool { return r == '-' || r == '_' || r == '.' }) {
		switch part {
		case "code", "jwt", "login", "nonce", "otp", "pass", "pin", "private", "pw", "sid", "ticket", "totp":
			return true
		}
	}
	return false
}

func containsAny(text string, words ...string) bool {
	return slices.ContainsFunc(words, func(word string) bool { return strings.Contains(text, word) })
}

// redactSecret leaves the schemes and the length: a doubled scheme and a token that was cut off are the usual
// mistakes.
func redactSecret(value string) string {
	schemes, secret := proof.CutSchemes(value)
	return fmt.Sprintf("%s[redacted, %d characters]", schemes, utf8.RuneCountInString(secret))
}

// cutQuery hides the query of a URL, in which some senders carry a secret.
func cutQuery(url string) string {
	before, _, found := strings.Cut(url, "?")
	if !found {
		return url
	}
	return before + "?[redacted]"
}

// Shorten cuts a client's text to the length that a line of the log has for it.
func Shorten(text string) string { return cut(text, maxText) }

// cut shortens a text to the limit in bytes, at a character's end.
func cut(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	for limit > 0 && !utf8.RuneStart(text[limit]) {
		limit--
	}
	return text[:limit] + "…"
}

// maxTokens is how many tokens of a request are kept as digests. Making one takes processor time on purpose, and whoever
// sends wrong requests chooses how many fields these have.
const maxTokens = 2

// tokensOf returns what may be tokens in a request that was not authenticated, by the names of their fields; that in the
// path has none. The one that the source reads comes first, and there is room for one more. Their digests are enough to
// accept the request later, when the source is configured to have that token, or to have it elsewhere.
func tokensOf(refused Refused, from *source.Configured) map[string]string {
	if refused.Authenticated {
		return nil
	}
	tokens := map[string]string{}
	if refused.PathSecret != "" {
		tokens[""] = refused.PathSecret
	}
	header, query := refused.Request.Header, refused.Request.URL.Query()
	names := slices.Sorted(maps.Keys(header))
	for _, read := range from.Reads {
		names = append([]string{read.Secret, "?" + read.Parameter}, names...)
	}
	for _, name := range names {
		values, proves := proof.Distinct(header[name]), mayProve(name, from)
		if parameter, ok := strings.CutPrefix(name, "?"); ok {
			values, proves = proof.Distinct(query[parameter]), true
		}
		if _, known := tokens[name]; !known && len(tokens) < maxTokens && len(values) == 1 && len(values[0]) <= maxValue && proves {
			tokens[name] = proof.BareToken(values[0])
		}
	}
	return tokens
}

// mayProve reports whether a field may have the secret that proves who sends.
func mayProve(name string, from *source.Configured) bool {
	return isOwnSecret(name, from) || !isOpen(name, from) && !signs(name) && !strings.Contains(name, "Cookie") && isSecret(name)
}

// isOwnSecret and isOwnSignature report whether a field is one in which the source expects a secret, or a signature.
func isOwnSecret(name string, from *source.Configured) bool {
	return slices.ContainsFunc(from.Reads, func(read proof.Fields) bool { return read.Secret == name && name != "" })
}

func isOwnSignature(name string, from *source.Configured) bool {
	return slices.ContainsFunc(from.Reads, func(read proof.Fields) bool { return slices.Contains(read.Signatures, name) })
}

// isOpen reports whether a field has no secret, whatever its name says: it is a part of a signature, or travels with
// notifications.
func isOpen(name string, from *source.Configured) bool {
	if isOwnSecret(name, from) {
		return false
	}
	isName := func(field string) bool { return http.CanonicalHeaderKey(field) == name }
	return slices.ContainsFunc(from.Reads, func(read proof.Fields) bool { return slices.ContainsFunc(read.Open, isName) }) ||
		slices.ContainsFunc(from.Header, isName)
}

// signs reports whether a field is one for signatures.
func signs(name string) bool {
	return containsAny(strings.ToLower(name), "signature", "hmac", "digest")
}
