package gateway

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"sluice.internal/gateway/rejection"
	"sluice.internal/shared/config"
	"sluice.internal/shared/source"
)

const (
	// maxCompared is how many bytes of a path are compared with those of the sources.
	maxCompared = 128
	// secretLength is from how many characters on a part of a path may be a secret, if it has digits too.
	secretLength = 16
)

// singleSlashes serves doubled slashes of a path as one: whoever joins a host and a path often writes two. The request's URI
// stays as it came, for signatures that cover it.
func singleSlashes(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "//") {
			single, copied := *r.URL, *r
			single.Path, single.RawPath = onlySingle(r.URL.Path), ""
			copied.URL = &single
			r = &copied
		}
		next.ServeHTTP(w, r)
	})
}

func onlySingle(path string) string {
	var single strings.Builder
	for i := range len(path) {
		if path[i] != '/' || i == 0 || path[i-1] != '/' {
			single.WriteByte(path[i])
		}
	}
	return single.String()
}

// pathAsSent returns the path as it came, with doubled slashes.
func pathAsSent(request *http.Request) string {
	if sent, err := url.ParseRequestURI(request.RequestURI); err == nil && onlySingle(sent.Path) == request.URL.Path {
		return sent.Path
	}
	return request.URL.Path
}

// unknownPathError is a request at a path where no source listens. Nearest is the source with nearly that path, nil where
// there is none.
type unknownPathError struct{ nearest *source.Configured }

func (e unknownPathError) Error() string {
	if e.nearest == nil {
		return "no source listens at this path"
	}
	return fmt.Sprintf("no source listens at this path; the nearest is %q at %q", e.nearest.Name, e.nearest.Path+"/")
}

func (unknownPathError) Is(target error) bool { return target == errUnknownPath }

// unknownPath serves paths where no source listens, by refusing.
func (g *Gateway) unknownPath(x *exchange) (outcome, error) {
	return outcome{}, unknownPathError{nearestSource(g.settings.Sources, x.request.URL.Path)}
}

// message tells the client where it nearly was. A source that asks for no proof is not named: its path may be all that keeps
// others out.
func (e unknownPathError) message(otherwise string) string {
	if e.nearest == nil || e.nearest.Verifier == nil {
		return otherwise
	}
	return fmt.Sprintf("There is nothing at this path; the nearest is %s/. Compare the URL with what the operator gave you.", e.nearest.Path)
}

// nearestSource returns the source whose path a sender probably meant: one that differs in case alone, has a part before or
// behind it, or a few wrong letters. It returns nil when there is none.
func nearestSource(sources []*source.Configured, path string) (nearest *source.Configured) {
	path = folded(path)
	best := maxCompared
	for _, from := range sources {
		own := folded(from.Path)
		tried := path
		if from.SecretInPath() {
			tried = withoutLast(path, own)
		}
		if away := config.Distance(tried, own); away < best && isNear(tried, own, away) {
			nearest, best = from, away
		}
	}
	return nearest
}

// folded is a path as it is compared with others.
func folded(path string) string {
	return strings.ToLower(strings.Trim(path[:min(len(path), maxCompared)], "/"))
}

// withoutLast takes the last part off a path that has more parts than another one: it is the secret.
func withoutLast(path, other string) string {
	if end := strings.LastIndexByte(path, '/'); end >= 0 && strings.Count(path, "/") > strings.Count(other, "/") {
		return path[:end]
	}
	return path
}

// isNear reports whether a path may be meant as another one that is so many changes away.
func isNear(path, other string, away int) bool {
	const wrongLetters = 3 // One letter in so many may be wrong.
	switch {
	case path == "" || other == "":
		return false
	case away <= max(len(other)/wrongLetters, 1):
		return true
	}
	return strings.HasSuffix("/"+path, "/"+other) || strings.HasPrefix(path+"/", other+"/") ||
		strings.HasSuffix("/"+other, "/"+path) || strings.HasPrefix(other+"/", path+"/")
}

// keptPath returns what may be kept and logged of the request's path, and the part of it that may be a secret. Where no source
// listens, that is everything that looks like one, and what follows a path that is nearly one which a secret follows.
func (x *exchange) keptPath(nearest *source.Configured) (path, secret string) {
	const redacted = "[redacted]"
	if x.source != nil {
		if x.proof.Rest != "" {
			return x.source.Path + "/" + redacted, x.proof.Rest
		}
		return x.request.URL.Path, ""
	}
	parts := strings.Split(x.request.URL.Path, "/")
	open := len(parts)
	if nearest != nil && nearest.SecretInPath() {
		open = strings.Count(nearest.Path, "/") + 1
	}
	for i, part := range parts {
		if part != "" && i >= open || len(part) >= secretLength && strings.ContainsAny(part, "0123456789") {
			parts[i], secret = redacted, part
		}
	}
	return rejection.Shorten(strings.Join(parts, "/")), secret
}
