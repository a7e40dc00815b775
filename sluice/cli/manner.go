package cli

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"sluice.internal/shared/config"
	"sluice.internal/shared/source"
)

// manner is how the senders of a source send.
type manner struct {
	provider source.Provider
	// proof is nil where everybody may send.
	proof source.Proof
	kind  string
	// header are the fields that were asked for.
	header []string
}

// manner finds out how the source's senders send: as configured, or else as the data folder says, or else as the
// provider of that name does. A secret that is configured is used where none was named, and a token only for the
// gateway of the data folder: a signature gives nothing away, a token does.
func (c *sendCommand) manner(s *session, to *inlet) (manner, error) {
	options := c.options(s)
	options.Providers, options.AllowMissingTokens = source.Known(), true
	cfg, err := config.Load(options)
	if err != nil {
		return manner{}, err
	}
	configured, found := cfg.Sources[c.Source]
	if !found || to.provider != "" && to.provider != configured.Provider {
		configured = config.Source{Name: c.Source, Provider: to.provider, Auth: to.auth}
		if configured.Provider == "" {
			configured.Provider = c.Source
		}
	}
	provider, known := source.Providers()[configured.Provider]
	if !known && to.provider == "" && !found {
		provider = source.Providers()["generic"] // Which carries a token, where there is one.
	}
	made := manner{provider: provider, kind: c.Type, header: c.Header}
	if configured.Auth == "" {
		made.proof = provider.Proof
	} else if made.proof, err = provider.ProofFor(configured); err != nil {
		return manner{}, fmt.Errorf("source %q: %w; name its configuration with --config", c.Source, err)
	}
	if to.token == "" && made.proof != nil && (c.URL == "" || made.proof.CoversBody()) {
		to.token = validNow(configured.Credentials())
	}
	return made, nil
}

// validNow is the first secret that is valid, empty when there is none.
func validNow(secrets []config.Credential) string {
	now := time.Now()
	for _, one := range secrets {
		if !now.Before(one.From) && (one.Until.IsZero() || now.Before(one.Until)) {
			return one.Secret.Reveal()
		}
	}
	return ""
}

// apply makes the request one that the source's senders would send. Without a secret it has no proof.
func (m manner) apply(request *http.Request, body []byte, secret string) error {
	for _, field := range m.header {
		name, value, _ := strings.Cut(field, ":")
		request.Header.Add(strings.TrimSpace(name), strings.TrimSpace(value))
	}
	draft := &source.Draft{URL: request.URL, Header: request.Header, Body: body, At: time.Now()}
	if m.provider.Announce != nil {
		m.provider.Announce(draft, m.kind)
	}
	if request.Header.Get("Content-Type") == "" {
		request.Header.Set("Content-Type", m.contentType(body))
	}
	if m.proof != nil && secret != "" {
		if err := m.proof.Sign(draft, secret); err != nil {
			return fmt.Errorf("sign as %s: %w", m.provider.Name, err)
		}
	}
	request.URL = draft.URL
	return nil
}

// contentType is that of JSON, unless the source takes anything and the body says that it is something else.
func (m manner) contentType(body []byte) string {
	trimmed := bytes.TrimSpace(body)
	switch {
	case !m.provider.Configurable || len(trimmed) == 0 || slices.Contains([]byte("{["), trimmed[0]):
		return "application/json"
	case trimmed[0] == '<':
		return "application/xml"
	default:
		return "text/plain; charset=utf-8"
	}
}
