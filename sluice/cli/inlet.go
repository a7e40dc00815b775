package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"sluice.internal/sluice/local"
)

// inlet is where a source's notifications are sent, and with which token; empty means without one.
type inlet struct {
	url, token string
	// provider and auth are what the data folder says of the source, empty when it was not asked.
	provider, auth string
}

// inlet finds out where to send. The token of a data folder goes to that folder's gateway alone.
func (c *sendCommand) inlet(s *session) (inlet, error) {
	to := inlet{url: c.URL}
	tokenFile := c.TokenFile
	if c.URL == "" {
		dir := dataDir(s, c.Data)
		description, err := describe(dir, "--url URL")
		if err != nil {
			return inlet{}, err
		}
		source, err := sourceIn(description, dir, c.Source)
		if err != nil {
			return inlet{}, err
		}
		to.url = description.GatewayURL + source.Path
		to.provider, to.auth = source.Provider, source.Auth
		if tokenFile == "" && s.lookup(tokenVariable) == "" {
			tokenFile = source.TokenFile
		}
	}
	if tokenFile == "" {
		to.token = strings.TrimSpace(s.lookup(tokenVariable))
		return to, nil
	}
	var err error
	to.token, err = readToken(tokenFile)
	return to, err
}

func sourceIn(description local.Description, dir, name string) (local.Source, error) {
	source, ok := description.Sources[name]
	if !ok {
		return local.Source{}, fmt.Errorf("the sluice of %s has no source %q; it has %s", dir, name,
			strings.Join(slices.Sorted(maps.Keys(description.Sources)), ", "))
	}
	return source, nil
}

// longestTokenFile is far more than tokens need, and little enough to read /dev/zero without harm.
const longestTokenFile = 64 << 10

// readToken returns the first token of a file, which is written as for the configuration: one a line, without
// blank lines and those that start with #.
func readToken(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("read token: %w", err)
	}
	defer file.Close()
	lines := bufio.NewScanner(io.LimitReader(file, longestTokenFile))
	for lines.Scan() {
		if line := strings.TrimSpace(strings.TrimPrefix(lines.Text(), "\ufeff")); line != "" && !strings.HasPrefix(line, "#") {
			return line, nil
		}
	}
	if err := lines.Err(); err != nil && !errors.Is(err, bufio.ErrTooLong) {
		return "", fmt.Errorf("read token: %w", err)
	}
	return "", fmt.Errorf("read token: file %q has none in it", path)
}
