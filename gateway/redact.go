package gateway

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"sluice.internal/shared/source"
)

const (
	// keptValue is the most bytes of a header value, keptName of its name and keptHeader of all that is kept
	// of a header as JSON. The store takes 16 KiB.
	keptValue  = 1 << 10
	keptName   = 128
	keptHeader = 12 << 10
	// shortText is the most bytes of a client's text in a log line.
	shortText = 200
)

// redact returns the request's header fields for the operator: bounded, and with nothing in it that lets
// somebody in.
//
// What a source reads of a request stays as it is, and so does a signature, which lets nobody in.
func redact(request *http.Request, known secrets, from *inlet) map[string][]string {
	header := map[string][]string{"Host": {redactValue("Host", request.Host, known)}}
	room, omitted := keptHeader, 0
	for _, name := range slices.Sorted(maps.Keys(request.Header)) {
		values := make([]string, 0, 1)
		for _, value := range request.Header[name] {
			values = append(values, from.redactField(name, value, known))
		}
		size := jsonSize(name) + jsonSize(values)
		if len(name) > keptName || size > room {
			omitted++
			continue
		}
		room -= size
		header[known.hide(name)] = values
	}
	if omitted > 0 {
		header["Sluice-Omitted"] = []string{fmt.Sprintf("%d fields were too large", omitted)}
	}
	return header
}

func jsonSize(value any) int {
	document, err := json.Marshal(value)
	if err != nil {
		return keptHeader + 1
	}
	return len(document) + 2
}

// redactField knows what the source reads.
func (in *inlet) redactField(name, value string, known secrets) string {
	secret, open := source.Fields(in.Proof)
	switch {
	case name == secret:
		return redactSecret(value)
	case signs(name), len(open) > 0 && open[0] == name:
		if source.LooksSigned(value) {
			return cut(known.hide(value), keptValue)
		}
		return redactSecret(value)
	case in.isOpen(name):
		return cut(known.hide(value), keptValue)
	}
	return redactValue(name, value, known)
}

// isSecret tells whether a field's name says that it has a secret.
func isSecret(name string) bool {
	return containsAny(strings.ToLower(name), "auth", "cookie", "token", "secret", "key", "passw", "credential", "session")
}

func redactValue(name, value string, known secrets) string {
	if isSecret(name) {
		return redactSecret(value)
	}
	if containsAny(strings.ToLower(name), "url", "uri", "referer") {
		value = cutQuery(value)
	}
	return cut(known.hide(value), keptValue)
}

func containsAny(text string, words ...string) bool {
	return slices.ContainsFunc(words, func(word string) bool { return strings.Contains(text, word) })
}

// redactSecret leaves the schemes and the length: a doubled scheme and a token that was cut off are the usual
// mistakes.
func redactSecret(value string) string {
	schemes, secret := cutSchemes(value)
	return fmt.Sprintf("%s[redacted, %d characters]", schemes, utf8.RuneCountInString(secret))
}

// cutSchemes takes up to two words that say how a secret is to be read off its beginning.
func cutSchemes(value string) (schemes, secret string) {
	secret = strings.TrimSpace(value)
	for range 2 {
		word, rest, found := strings.Cut(secret, " ")
		if !found || !isScheme(word) {
			break
		}
		schemes += word + " "
		secret = strings.TrimSpace(rest)
	}
	return schemes, secret
}

func isScheme(word string) bool {
	return slices.ContainsFunc([]string{"Bearer", "Basic", "Digest", "Token", "ApiKey"}, func(scheme string) bool {
		return strings.EqualFold(word, scheme)
	})
}

// cutQuery hides the query of a URL, in which some senders carry a secret.
func cutQuery(url string) string {
	before, _, found := strings.Cut(url, "?")
	if !found {
		return url
	}
	return before + "?[redacted]"
}

// secrets knows the tokens of all sources, so that a client that puts one in a wrong place does not bring it
// into a log.
type secrets struct {
	replacer *strings.Replacer
}

func secretsOf(sources []Source) secrets {
	var pairs []string
	for i := range sources {
		if sources[i].Proof == source.Certificate() {
			continue // Names are no secrets.
		}
		for _, one := range sources[i].secrets() {
			_, secret := cutSchemes(one.Text)
			pairs = append(pairs, secret, "[redacted]")
		}
	}
	return secrets{strings.NewReplacer(pairs...)}
}

func (s secrets) hide(text string) string { return s.replacer.Replace(text) }

func shorten(text string) string { return cut(text, shortText) }

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
