package receiver

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"sluice.internal/shared/config"
)

// call is what a request asks for.
type call struct {
	request  *http.Request
	prefix   string // "/v3" where it was asked with it
	instance string
	method   string // with a small first letter
	asked    string // as it was written
	token    string
	rest     string // what follows the token, without slashes around it
	bot      *bot
}

// pathForm is what paths of GREEN-API's HTTP API look like. /v3 is MAX's. Users write a slash at the end of the host, which
// doubles the first. Source: https://green-api.com/en/docs/api/
var pathForm = regexp.MustCompile(`^/{1,2}(v3/)?waInstance([0-9]{1,20})/([A-Za-z]{1,64})/([^/]{1,256})(/[^/]*)?/?$`)

// IsPath reports whether a path is one of the receive API.
func IsPath(path string) bool {
	path = "/" + strings.TrimLeft(path, "/")
	return strings.HasPrefix(path, "/waInstance") || strings.HasPrefix(path, "/v3/waInstance")
}

// read finds out what a request asks for; false where the path is none of the API.
func read(r *http.Request) (call, bool) {
	found := pathForm.FindStringSubmatch(r.URL.EscapedPath())
	if found == nil {
		return call{}, false
	}
	token, err := url.PathUnescape(found[4])
	if err != nil {
		return call{}, false
	}
	c := call{
		request: r, instance: found[2], asked: found[3], method: strings.ToLower(found[3][:1]) + found[3][1:], token: token,
		rest: strings.Trim(found[5], "/"),
	}
	if found[1] != "" {
		c.prefix = "/v3"
	}
	return c, true
}

// identify returns the bot whose token was shown for the instance, nil where there is none. It compares all of them, each in
// the same time.
func (r *Receiver) identify(instance, token string) (found *bot) {
	shown := sha256.Sum256([]byte(token))
	for _, one := range r.bots {
		if len(one.Instances) > 0 && !slices.Contains(one.Instances, instance) {
			continue
		}
		tokens := one.Tokens
		if one.TokenFile == "" {
			tokens = []config.Secret{r.account(one, instance).Token}
		}
		for _, secret := range tokens {
			known := sha256.Sum256([]byte(secret.Reveal()))
			if subtle.ConstantTimeCompare(shown[:], known[:]) == 1 && secret != (config.Secret{}) {
				found = one
			}
		}
	}
	return found
}

// account is what is configured about an instance; the zero value where nothing is.
func (r *Receiver) account(one *bot, instance string) config.Instance {
	return r.settings.Sources[one.Source].Instances[instance]
}
