package config

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
)

const (
	// shortToken is the least length of a token that nobody can guess by trying.
	shortToken = 16
	// longestTokenFile is far more than tokens need, and little enough to read /dev/zero without harm.
	longestTokenFile = 64 << 10
)

// credentials gathers what the source's senders may show: tokens from all four places, and secrets.
func (l *loader) credentials(source Source, provider Provider) ([]Secret, []Credential) {
	if l.WithoutTokens || source.Auth == "" {
		return nil, nil
	}
	given, listed := l.given(source.Name), l.sectionsAt[sourceKey(source.Name, "secrets")]
	if !source.NeedsSecret() {
		l.checkUnneeded(source, given, listed)
		return nil, nil
	}
	if len(given) == 0 && len(listed) == 0 && (!l.AllowMissingTokens || provider.GivesSecret || source.Auth == AuthBasic) {
		l.fault(l.named[source.Name], "sources."+source.Name, "%s", noSecret(source))
	}
	var tokens []Secret
	for _, one := range given {
		tokens = append(tokens, l.read(one)...)
	}
	return unique(tokens), l.secrets(source.Name)
}

func noSecret(source Source) string {
	if source.Auth == AuthToken {
		return "has no token; set " + variable(sourceKey(source.Name, "token")) + " or token_file, or auth: none to believe anybody"
	}
	return "has no secret; set " + variable(sourceKey(source.Name, "token_file")) + " or secrets, or auth: none to believe anybody"
}

// checkUnneeded reports secrets that nothing would be compared with.
func (l *loader) checkUnneeded(source Source, given []credential, listed []place) {
	var at place
	key := sourceKey(source.Name, "secrets")
	switch {
	case len(given) > 0:
		at, key = given[0].Place, given[0].key
	case len(listed) > 0:
		at = listed[0]
	default:
		return
	}
	l.fault(at, key, "sets a token, but auth is %s (%s); remove one of them", source.Auth, l.placed(sourceKey(source.Name, "auth")))
}

// credential is a token, or a file with tokens, as it was written.
type credential struct {
	setting
	key    string
	isFile bool
}

func (l *loader) given(source string) []credential {
	var given []credential
	for _, name := range []string{"token", "tokens", "token_file", "token_files"} {
		key := sourceKey(source, name)
		for _, item := range l.items(key) {
			one := credential{setting: item, key: key, isFile: strings.HasPrefix(name, "token_file")}
			if !one.isFile || item.Text != "" {
				given = append(given, one)
			}
		}
	}
	return given
}

// read returns the tokens of one place, and reports what is wrong with them without repeating them.
func (l *loader) read(one credential) []Secret {
	texts, where := []string{one.Text}, "the token"
	if one.isFile {
		var err error
		if texts, err = readTokens(one.path()); err != nil {
			l.fault(one.Place, one.key, "%q: %s", one.path(), unreadable(err))
			return nil
		}
		where = fmt.Sprintf("a token in %q", one.path())
	}
	tokens := make([]Secret, len(texts))
	for i, text := range texts {
		tokens[i] = NewSecret(strings.TrimSpace(text))
		switch n := len(tokens[i].Reveal()); {
		case n == 0:
			l.fault(one.Place, one.key, "%s is empty", where)
		case n < shortToken:
			l.warn(one.Place, one.key, "%s is shorter than %d characters and could be guessed", where, shortToken)
		}
	}
	return tokens
}

// readTokens reads a file with one token a line, where blank lines and lines that start with # don't count.
func readTokens(path string) ([]string, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, longestTokenFile+1))
	if err != nil {
		return nil, err
	}
	if len(text) > longestTokenFile {
		return nil, errors.New("is too long for a file of tokens, one a line")
	}
	var tokens []string
	lines := bufio.NewScanner(bytes.NewReader(bytes.TrimPrefix(text, []byte("\ufeff"))))
	for lines.Scan() {
		if line := strings.TrimSpace(lines.Text()); line != "" && !strings.HasPrefix(line, "#") {
			tokens = append(tokens, line)
		}
	}
	if len(tokens) == 0 {
		return nil, errors.New("has no token in it; write one a line")
	}
	return tokens, nil
}

func unique(tokens []Secret) []Secret {
	var once []Secret
	for _, token := range tokens {
		if !slices.Contains(once, token) {
			once = append(once, token)
		}
	}
	return once
}

// unreadable says why a file can't be read and what to do. The path is said by the caller.
func unreadable(err error) string {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "no such file; create it or correct the path"
	case errors.Is(err, fs.ErrPermission):
		return "permission denied; let the user that this process runs as read it"
	}
	if pathError := (*fs.PathError)(nil); errors.As(err, &pathError) {
		return pathError.Err.Error()
	}
	return err.Error()
}
