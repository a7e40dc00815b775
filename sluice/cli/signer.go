package cli

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"sluice.internal/shared/config"
	"sluice.internal/shared/proof"
	"sluice.internal/shared/source"
)

// signer makes requests as the senders of a source do.
type signer struct {
	provider source.Provider
	// proof is nil where everybody may send.
	proof proof.Proof
	kind  string
	// kind is the type that the provider announces in a header, empty for none.
	// header are the fields that were asked for, as "NAME:VALUE".
	header []string
}

// signer finds out how the source's senders send: as configured, or else as the data folder says, or else as the
// provider of that name does. A secret that is configured is used where none was named, and a token only for the
// gateway of the data folder: a signature gives nothing away, a token does.
func (c *sendCommand) signer(s *session, to *destination) (signer, error) {
	options := c.options(s)
	options.Providers, options.AllowMissingTokens = source.Known(), true
	cfg, err := config.Load(options)
	if err != nil {
		return signer{}, err
	}
	configured, found := cfg.Sources[c.Source]
	if !found || to.provider != "" && to.provider != configured.Provider {
		configured = config.Source{Name: c.Source, Provider: to.provider, Auth: to.auth}
		if configured.Provider == "" {
			configured.Provider = c.Source
		}
	}
	// A source that nothing is known about is called like its provider more often than not.
	provider, known := source.Providers()[configured.Provider]
	if !known && to.provider == "" && !found {
		provider = source.Providers()["generic"] // Which carries a token, where there is one.
	}
	made := signer{provider: provider, kind: c.Type, header: c.Header}
	if configured.Auth == "" {
		made.proof = provider.Proof
	} else if made.proof, err = source.ProofFor(provider, configured); err != nil {
		return signer{}, fmt.Errorf("source %q: %w; name its configuration with --config", c.Source, err)
	}
	// A URL of somebody else's may get a signature, which proves that one has the secret, and never the secret itself.
	_, signs := proof.SignatureOf(made.proof)
	if to.token == "" && made.proof != nil && (c.URL == "" || signs) {
		to.token = validNow(configured.Credentials())
	}
	return made, nil
}

// validNow is the first secret that is valid at this moment, empty when there is none.
func validNow(secrets []config.Credential) string {
	now := time.Now()
	for _, one := range secrets {
		if !now.Before(one.From) && (one.Until.IsZero() || now.Before(one.Until)) {
			return one.Secret.Reveal()
		}
	}
	return ""
}

// prepare makes the request one that the source's senders would send. Without a secret it has no proof.
func (g signer) prepare(request *http.Request, body []byte, secret string) error {
	for _, field := range g.header {
		name, value, _ := strings.Cut(field, ":")
		request.Header.Add(strings.TrimSpace(name), strings.TrimSpace(value))
	}
	draft := &proof.Draft{URL: request.URL, Header: request.Header, Body: body, At: time.Now()}
	if g.provider.Announce != nil {
		g.provider.Announce(draft, g.kind)
	}
	if request.Header.Get("Content-Type") == "" {
		request.Header.Set("Content-Type", g.contentType(body))
	}
	if g.proof != nil && secret != "" {
		if err := g.proof.Sign(draft, secret); err != nil {
			return fmt.Errorf("sign as %s: %w", g.provider.Name, err)
		}
	}
	request.URL = draft.URL
	// A proof may belong into the body.
	request.Body, request.ContentLength = io.NopCloser(bytes.NewReader(draft.Body)), int64(len(draft.Body))
	request.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(draft.Body)), nil }
	return nil
}

// contentType is that of JSON, unless the source takes anything and the body says that it is something else.
func (g signer) contentType(body []byte) string {
	trimmed := bytes.TrimSpace(body)
	switch {
	case !g.provider.Configurable || len(trimmed) == 0 || slices.Contains([]byte("{["), trimmed[0]):
		return "application/json"
	case trimmed[0] == '<':
		return "application/xml"
	default:
		return "text/plain; charset=utf-8"
	}
}
