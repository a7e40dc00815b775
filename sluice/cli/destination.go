package cli

import (
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"sluice.internal/shared/filemode"
	"sluice.internal/sluice/local"
)

// destination is where a source's notifications are sent, and with which token. An empty token sends none, which is right
// for a source that believes anybody, and lets one see what the gateway answers otherwise.
type destination struct {
	url, token string
	// provider and auth are what the data folder says about the source, empty when it was not asked.
	provider, auth string
}

// destination finds out where to send. The token of a data folder goes to that folder's gateway alone.
func (c *sendCommand) destination(s *session) (destination, error) {
	to := destination{url: c.URL, token: strings.TrimSpace(s.lookup(tokenVariable))}
	if c.URL == "" {
		description, dir, err := readDescription(s, c.Data, "--url URL")
		if err != nil {
			return destination{}, err
		}
		source, err := sourceIn(description, dir, c.Source)
		if err != nil {
			return destination{}, err
		}
		to.url = description.GatewayURL + source.Path
		to.provider, to.auth = source.Provider, source.Auth
		if c.TokenFile == "" && s.lookup(tokenVariable) == "" {
			to.token, err = description.Token(c.Source)
			return to, err
		}
	}
	if c.TokenFile == "" {
		return to, nil
	}
	var err error
	to.token, err = readToken(s, c.TokenFile)
	return to, err
}

// sourceIn finds a source in the description of a data folder; the error names those it has.
func sourceIn(description local.Description, dir, name string) (local.Source, error) {
	source, ok := description.Sources[name]
	if !ok {
		return local.Source{}, fmt.Errorf("the sluice of %s has no source %q; it has %s", dir, name,
			strings.Join(slices.Sorted(maps.Keys(description.Sources)), ", "))
	}
	return source, nil
}

// maxTokenFileBytes is far more than tokens need, and little enough to read /dev/zero without harm.
const maxTokenFileBytes = 64 << 10

// readToken returns the first token of a file that somebody named, and warns when everybody can read it.
func readToken(s *session, path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("read token: %w", err)
	}
	defer file.Close()
	if info, err := file.Stat(); err == nil && info.Mode().IsRegular() {
		if err := filemode.CheckPrivate(info); err != nil {
			s.diagnostics.Line("warning: %q %v; run `chmod 600` on it", path, err)
		}
	}
	token, err := local.FirstToken(io.LimitReader(file, maxTokenFileBytes))
	if err != nil {
		return "", fmt.Errorf("read token: file %q %w", path, err)
	}
	return token, nil
}
