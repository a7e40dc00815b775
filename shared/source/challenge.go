package source

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"sluice.internal/shared/config"
	"sluice.internal/shared/proof"
	"sluice.internal/shared/source/mapping"
	"sluice.internal/shared/source/provider"
)

const (
	// maxChallenge bounds what is sent back, in bytes.
	maxChallenge = 1 << 10
	// maxChallengeBody is the largest body, in bytes, that is looked at for a challenge. Each POST is, so it must be cheap.
	maxChallengeBody = 64 << 10
)

// ErrChallengePassword is a challenge whose password is another one than the source's, or that the source has no password for.
var ErrChallengePassword = errors.New("the password of the challenge is not the source's")

// challengeFor returns the provider's challenge with the source's changes.
func challengeFor(p Provider, written config.Source) Challenge {
	own, changes := p.Challenge, written.Challenge
	if changes.Method != "" {
		// Another kind of request: what the provider says of its own has no meaning for it.
		own = Challenge{Method: changes.Method}
	}
	if len(changes.When) > 0 {
		own.When = changes.When
	}
	for _, field := range []struct {
		mine    *string
		changed string
	}{
		{&own.Echo, changes.Echo},
		{&own.PasswordAt, changes.PasswordAt},
		{&own.Answer.Body, changes.Answer},
		{&own.Answer.ContentType, changes.ContentType},
	} {
		if field.changed != "" {
			*field.mine = field.changed
		}
	}
	own.Unsigned = own.Unsigned || changes.Unsigned
	if own.Answer.Body == "" && own.Echo != "" {
		own.Answer.Body = provider.PlaceEcho
	}
	return own
}

// checkChallenge returns what keeps the challenge from working, under the names that the configuration has for its fields.
func checkChallenge(c Challenge, written config.Challenge, signs bool) error { //nolint:gocyclo // A line for each fault.
	var faults []error
	complain := func(fault bool, format string, args ...any) {
		if fault {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	complain(c.Method == "", "challenge.method is missing: say GET or POST")
	complain(c.Method == http.MethodGet && c.Unsigned, "challenge.unsigned is for POST; a GET is never signed")
	complain(c.Method == http.MethodPost && len(c.When) == 0, "challenge.when is missing: say which POST is no notification, as in /type=ping")
	for _, condition := range c.When {
		if err := mapping.CheckCondition(condition); err != nil {
			complain(true, "challenge.when: %q %w", condition, err)
		}
	}
	places := append([]string{c.Echo, c.PasswordAt}, c.When...)
	for _, place := range places {
		complain(c.Method == http.MethodGet && mapping.ReadsBody(place), "challenge: %q is in the body, and a GET has none", place)
	}
	for name, place := range map[string]string{"echo": c.Echo, "password_at": c.PasswordAt} {
		if err := mapping.CheckRequestPlace(place); place != "" && err != nil {
			complain(true, "challenge.%s: %q %w", name, place, err)
		}
	}
	password := written.Password != (config.Secret{}) || written.PasswordFile != "" // Whoever takes nothing in does not read the file.
	complain(password && c.PasswordAt == "", "challenge.password needs challenge.password_at: say where the request has it, as in query:password")
	complain(written.PasswordAt != "" && !password, "challenge.password_at needs challenge.password or challenge.password_file")
	needsEcho := strings.Contains(c.Answer.Body, provider.PlaceEcho) || strings.Contains(c.Answer.Body, provider.PlaceHMAC)
	complain(needsEcho && c.Echo == "", "challenge.answer has %s or %s in it, so challenge.echo must say where the text is", provider.PlaceEcho, provider.PlaceHMAC)
	complain(strings.Contains(c.Answer.Body, provider.PlaceHMAC) && !signs, "challenge.answer has %s in it, which needs a source with an HMAC: auth: signature", provider.PlaceHMAC)
	return errors.Join(faults...)
}

// Challenged answers a request that is a challenge; ok is false for any other. Secret is the one that the request was made
// with, which an HMAC is computed with; 0 where nobody knows. The error is ErrChallengePassword.
func (c *Configured) Challenged(r *proof.Request, secret int) (reply Reply, ok bool, err error) {
	asked := c.Challenge
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	if asked.Method == "" || method != asked.Method || len(r.Body) > maxChallengeBody || !mapping.Hold(asked.When, r) {
		return Reply{}, false, nil
	}
	var echo string
	if asked.Echo != "" {
		echo, _ = mapping.RequestText(asked.Echo, r)
		if echo == "" || len(echo) > maxChallenge {
			return Reply{}, false, nil
		}
	}
	if asked.PasswordAt != "" {
		password, _ := mapping.RequestText(asked.PasswordAt, r)
		if c.challengePassword == "" || !sameText(password, c.challengePassword) {
			return Reply{}, true, ErrChallengePassword
		}
	}
	reply = replyOf(asked.Answer)
	insert := strings.NewReplacer(provider.PlaceEcho, reply.quoted(echo), provider.PlaceHMAC, c.digest(secret, echo))
	reply.Body = insert.Replace(reply.Body)
	return reply, true, nil
}

// digest returns the HMAC of a text with one of the source's secrets, "" for a source without.
func (c *Configured) digest(secret int, text string) string {
	if c.Verifier == nil {
		return ""
	}
	return c.Verifier.Digest(secret, text)
}

// sameText compares in constant time, and tells nothing about lengths.
func sameText(given, want string) bool {
	one, other := sha256.Sum256([]byte(given)), sha256.Sum256([]byte(want))
	return subtle.ConstantTimeCompare(one[:], other[:]) == 1
}

// quoted returns the text as it may stand in the reply: within a string, where that is JSON.
func (r Reply) quoted(text string) string {
	if !strings.Contains(r.ContentType, "json") {
		return text
	}
	document, err := json.Marshal(text)
	if err != nil {
		return ""
	}
	return strings.Trim(string(document), `"`)
}
