package gateway

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"path"
	"slices"
	"strings"
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/source"
	"sluice.internal/shared/stream"
)

// Settings are what can be chosen about the gateway. Zero values mean the defaults.
type Settings struct {
	// Listen is the address to listen on, host and port. The default is ":8080"; port 0 takes any that is free.
	Listen string
	// Sources are who may send. There must be one at least.
	Sources []Source
	// TrustedProxies are the proxies whose word about the client's address is taken. None by default.
	TrustedProxies []netip.Prefix
	// ForwardedHeader is the one header in which trusted proxies name the client: "X-Forwarded-For" (the
	// default) or "Forwarded" (RFC 7239). A header that no proxy sets must not be read, since a client may.
	ForwardedHeader string
	// BodyLimit is the largest body in bytes, as it comes and with gzip undone. The default is 8 MiB.
	BodyLimit int64
	// HeaderLimit is the largest header in bytes. The default is 64 KiB.
	HeaderLimit int
	// HeaderTimeout is how long a client may take for the header, 10 s by default.
	HeaderTimeout time.Duration
	// ReadTimeout is how long a client may take for the whole request, 60 s by default.
	ReadTimeout time.Duration
	// IdleTimeout is how long a connection is kept open between requests, 120 s by default.
	IdleTimeout time.Duration
	// ShutdownTimeout is how long requests under way may take to end at a shutdown, 30 s by default. Writing
	// the last rejections may add a few seconds.
	ShutdownTimeout time.Duration
	// TLS is what the gateway shows and trusts where it speaks TLS itself; without a certificate it speaks plain HTTP.
	TLS TLS
	// ClientCertHeader is the header in which trusted proxies hand on the client's certificate as PEM, URL-encoded; empty
	// means none.
	ClientCertHeader string
	// Ready tells why the gateway can't take notifications, nil when it can; /readyz asks it. Without it the
	// gateway is ready until it shuts down.
	Ready func(ctx context.Context) error
	// Alert tells the operator, once for each fingerprint and window; first is false when it was told already. Without it
	// there is only the log.
	Alert func(ctx context.Context, alert *notification.Alert) (first bool, err error)
}

// Source is a configured sender.
type Source struct {
	// Name is the source's name in streams and logs, unique.
	Name string
	// Provider is the kind of sender.
	Provider source.Provider
	// Path is where it posts to, with or without a slash at the end; the provider's path by default.
	Path string
	// Proof is how requests prove where they come from; the provider's by default.
	Proof source.Proof
	// Tokens and Secrets are those of which a request must prove that it knows one. Several allow for rotation; Secrets
	// may have a time each for which they are valid.
	Tokens  []string
	Secrets []source.Secret
	// NoAuth takes requests without a proof. A source has tokens or NoAuth, never neither and never both.
	NoAuth bool
	// Reading says where notifications have what they have, for providers that leave it open.
	Reading source.Reading
	// Observe accepts bodies that a schema refuses.
	Observe bool
	// Allow says from which addresses requests are taken; the zero value takes them from everywhere.
	Allow source.Allowlist
	// PublishDeadline is how long storing a notification may take before the answer is 503. The default is the
	// provider's patience.
	PublishDeadline time.Duration
}

const (
	headerForwardedFor = "X-Forwarded-For"
	headerForwarded    = "Forwarded"

	pathHealth = "/healthz"
	pathReady  = "/readyz"
)

func (s Settings) withDefaults() Settings {
	s.Listen = cmp.Or(s.Listen, ":8080")
	s.ForwardedHeader = http.CanonicalHeaderKey(cmp.Or(s.ForwardedHeader, headerForwardedFor))
	s.BodyLimit = cmp.Or(s.BodyLimit, 8<<20)
	s.HeaderLimit = cmp.Or(s.HeaderLimit, 64<<10)
	s.HeaderTimeout = cmp.Or(s.HeaderTimeout, 10*time.Second)
	s.ReadTimeout = cmp.Or(s.ReadTimeout, time.Minute)
	s.IdleTimeout = cmp.Or(s.IdleTimeout, 2*time.Minute)
	s.ShutdownTimeout = cmp.Or(s.ShutdownTimeout, 30*time.Second)
	s.Sources = slices.Clone(s.Sources)
	for i := range s.Sources {
		from := &s.Sources[i]
		from.Path = strings.TrimSuffix(cmp.Or(from.Path, from.Provider.Path), "/")
		from.PublishDeadline = cmp.Or(from.PublishDeadline, from.Provider.Patience)
		if from.Proof == nil {
			from.Proof = from.Provider.Proof
		}
	}
	return s
}

// check finds all faults of settings that have their defaults.
func (s Settings) check(maxBody int64) error {
	faults := []error{s.checkBodyLimit(maxBody)}
	if s.ForwardedHeader != headerForwardedFor && s.ForwardedHeader != headerForwarded {
		faults = append(faults, fmt.Errorf("forwarded header is %q, must be %s or %s",
			s.ForwardedHeader, headerForwardedFor, headerForwarded))
	}
	if s.HeaderLimit < 0 {
		faults = append(faults, fmt.Errorf("header limit is %d bytes, must not be negative", s.HeaderLimit))
	}
	if min(s.HeaderTimeout, s.ReadTimeout, s.IdleTimeout, s.ShutdownTimeout) < 0 {
		faults = append(faults, errors.New("a timeout is negative"))
	}
	if len(s.Sources) == 0 {
		faults = append(faults, errors.New("there is no source"))
	}
	return errors.Join(append(faults, s.checkSources()...)...)
}

func (s Settings) checkBodyLimit(maxBody int64) error {
	if s.BodyLimit < 0 {
		return fmt.Errorf("body limit is %d bytes, must not be negative", s.BodyLimit)
	}
	if s.BodyLimit > maxBody {
		return fmt.Errorf("gateway.body_limit is %d bytes, and NATS takes bodies of %d: "+
			"raise max_payload of NATS to at least %d or lower gateway.body_limit",
			s.BodyLimit, maxBody, s.BodyLimit+stream.HeaderRoom)
	}
	return nil
}

func (s Settings) checkSources() []error {
	var faults []error
	names := map[string]bool{}
	paths := map[string]string{pathHealth: "the health check", pathReady: "the readiness check"}
	for i := range s.Sources {
		from := &s.Sources[i]
		if names[from.Name] {
			faults = append(faults, fmt.Errorf("source %q: there are two of that name", from.Name))
		}
		if other, taken := paths[from.Path]; taken {
			faults = append(faults, fmt.Errorf("source %q: path %q is taken by %s", from.Name, from.Path+"/", other))
		}
		names[from.Name], paths[from.Path] = true, fmt.Sprintf("source %q", from.Name)
		if err := from.check(); err != nil {
			faults = append(faults, fmt.Errorf("source %q: %w", from.Name, err))
		}
	}
	return faults
}

func (s *Source) check() error {
	var faults []error
	if s.Name == "" {
		faults = append(faults, errors.New("has no name"))
	}
	if s.Proof == nil || s.Provider.Peek == nil {
		faults = append(faults, errors.New("has no provider"))
	}
	if s.PublishDeadline < 0 {
		faults = append(faults, fmt.Errorf("publish deadline is %s, must not be negative", s.PublishDeadline))
	}
	return errors.Join(append(faults, s.checkPath(), s.checkTokens())...)
}

// checkPath lets through what means itself in a URL, so that nothing is a pattern to the router and nothing
// arrives in another spelling.
func (s *Source) checkPath() error {
	if s.Path == "" {
		return nil // The root, without its slash.
	}
	if s.Path[0] != '/' || path.Clean(s.Path) != s.Path || strings.ContainsFunc(s.Path, notInPaths) {
		return fmt.Errorf("path %q must begin with a slash and have only letters, digits, '-', '.', '_', '~' "+
			"and single slashes", s.Path)
	}
	return nil
}

func notInPaths(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-._~/", r)
}

func (s *Source) checkTokens() error {
	switch {
	case s.NoAuth && len(s.secrets()) > 0:
		return errors.New("has tokens and no authentication, choose one")
	case !s.NoAuth && len(s.secrets()) == 0:
		return errors.New("has no token; whoever wants to take requests from everybody must say so")
	case slices.ContainsFunc(s.secrets(), func(secret source.Secret) bool { return isBlank(secret.Text) }):
		return errors.New("has an empty token")
	case s.NoAuth || s.Proof == nil:
		return nil
	}
	_, err := source.NewVerifier(s.Proof, s.secrets()...)
	return err
}

// secrets are the tokens and the secrets.
func (s *Source) secrets() []source.Secret {
	all := make([]source.Secret, 0, len(s.Tokens)+len(s.Secrets))
	for _, token := range s.Tokens {
		all = append(all, source.Secret{Text: token})
	}
	return append(all, s.Secrets...)
}

func isBlank(text string) bool { return strings.TrimSpace(text) == "" }
