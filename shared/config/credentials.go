package config

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"sluice.internal/shared/config/internal/layers"
)

const (
	// minTokenLength is the smallest length of a token that nobody can guess by trying.
	minTokenLength = 16
	// maxTokenFile is far more than tokens need, and little enough to read /dev/zero without harm.
	maxTokenFile = 64 << 10
	// pemBegin begins a public key or a certificate in PEM, which takes several lines.
	pemBegin = "-----BEGIN "
)

// readCredentials reads the files and variables that the source names for its tokens and secrets, and checks all of them.
// A source whose requests need no secret has none afterwards, and so has each one where Options ask for no tokens.
func (l *loader) readCredentials(source *Source, provider Provider) {
	tokens, secrets := l.tokens(source.Name), l.SectionsAt[sourceKey(source.Name, "secrets")]
	switch {
	case l.WithoutTokens || source.Auth == "":
	case !source.NeedsSecret():
		l.checkUnneeded(source, tokens, secrets)
	default:
		made := !provider.GivesSecret && source.Auth != AuthBasic && !source.Signature.IsPublic()
		if len(tokens)+len(secrets) == 0 && (!l.AllowMissingTokens || !made) {
			l.Fault(l.Outer[source.Name], "sources."+source.Name, "%s", noSecret(source))
		}
		for _, one := range tokens {
			l.readToken(source, one)
		}
		source.Secrets = l.secrets(source.Name)
		return
	}
	source.Token, source.Tokens, source.Secrets = Secret{}, nil, nil
}

func noSecret(source *Source) string {
	if source.Auth == AuthToken {
		return "has no token; set " + layers.Variable(sourceKey(source.Name, "token")) + " or token_file, or auth: none to believe anybody"
	}
	return "has no secret; set " + layers.Variable(sourceKey(source.Name, "token_file")) + " or secrets, or auth: none to believe anybody"
}

// checkUnneeded reports secrets that nothing would be compared with.
func (l *loader) checkUnneeded(source *Source, tokens []tokenSetting, secrets []layers.Place) {
	var at layers.Place
	key := sourceKey(source.Name, "secrets")
	switch {
	case len(tokens) > 0:
		at, key = tokens[0].Place, tokens[0].key
	case len(secrets) > 0:
		at = secrets[0]
	default:
		return
	}
	l.Fault(at, key, "sets a token, but auth is %s (%s); remove one of them", source.Auth, l.Placed(sourceKey(source.Name, "auth")))
}

// tokenSetting is a token, or a file with tokens, as it was written.
type tokenSetting struct {
	layers.Setting
	key    string
	isFile bool
}

// tokens returns what the source's four keys for tokens were set to. A file without a name is as good as none.
func (l *loader) tokens(source string) []tokenSetting {
	var tokens []tokenSetting
	for _, name := range []string{"token", "tokens", "token_file", "token_files"} {
		key := sourceKey(source, name)
		for _, item := range l.Items(key) {
			one := tokenSetting{Setting: item, key: key, isFile: strings.HasPrefix(name, "token_file")}
			if !one.isFile || item.Text != "" {
				tokens = append(tokens, one)
			}
		}
	}
	return tokens
}

// readToken checks the token, or adds those in the file to the source. Its faults do not repeat tokens.
func (l *loader) readToken(source *Source, one tokenSetting) {
	texts, where := []string{one.Text}, "the token"
	if one.isFile {
		var err error
		if texts, err = readTokens(one.Path()); err != nil {
			l.Fault(one.Place, one.key, "%q: %s", one.Path(), layers.Unreadable(err))
			return
		}
		where = fmt.Sprintf("a token in %q", one.Path())
	}
	for _, text := range texts {
		text = strings.TrimSpace(text)
		switch n := len(text); {
		case n == 0:
			l.Fault(one.Place, one.key, "%s is empty", where)
		case n < minTokenLength:
			l.Warn(one.Place, one.key, "%s is shorter than %d characters and could be guessed", where, minTokenLength)
		}
		if one.isFile {
			source.Tokens = append(source.Tokens, NewSecret(text))
		}
	}
}

// readTokens reads a file with one token a line, where blank lines and lines that start with # don't count.
func readTokens(path string) ([]string, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxTokenFile+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxTokenFile {
		return nil, errors.New("is too long for a file of tokens, one a line")
	}
	var tokens []string
	lines := bufio.NewScanner(bytes.NewReader(bytes.TrimPrefix(text, []byte(layers.ByteOrderMark))))
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

// sections reads one of a source's lists of sections, each of which read completes. One that is at fault is missing.
func sections[T any](l *loader, source, name string, read func(one *T, key string, at layers.Place) bool) []T {
	return layers.FillEach(l.Loader, sourceKey(source, name), sourceKey(anySource, name), read)
}

// secrets reads the source's list of secrets.
func (l *loader) secrets(source string) []Credential {
	return sections(l, source, "secrets", l.readCredential)
}

// readCredential reads a secret and checks the time for which it is valid.
func (l *loader) readCredential(secret *Credential, key string, at layers.Place) bool {
	ok := l.readSecret(secret, key, at)
	if !secret.From.IsZero() && !secret.Until.IsZero() && !secret.From.Before(secret.Until) {
		l.Fault(l.At(key+".until"), key+".until", "is not after from (%s), so that the secret is never valid", l.Placed(key+".from"))
	}
	return ok
}

// readSchemes reads the further ways in which the source's senders may prove who they are.
func (l *loader) readSchemes(source *Source) {
	source.Also = sections(l, source.Name, "also", func(scheme *Scheme, key string, at layers.Place) bool {
		if scheme.Auth == "" {
			l.Fault(at, key+".auth", "is missing: say how senders prove who they are")
			return false
		}
		l.checkTokenPlace(source.With(*scheme), at, key)
		return l.WithoutTokens || l.readCredential(&scheme.Credential, key, at)
	})
	if len(source.Also) > 0 && !source.NeedsSecret() {
		key := sourceKey(source.Name, "also")
		l.Fault(l.SectionsAt[key][0], key, "says how senders prove who they are, but auth is %s (%s); remove one of them",
			source.Auth, l.Placed(sourceKey(source.Name, "auth")))
	}
}

// readSecret reads the secret from the one place that is written, and reports whether it is there.
func (l *loader) readSecret(secret *Credential, key string, at layers.Place) bool {
	var where string
	switch {
	case l.IsSet(key + ".secret"):
		at, where = l.At(key+".secret"), "the secret"
	case secret.SecretFile != "":
		at, where = l.At(key+".secret_file"), "the secret in "+strconv.Quote(secret.SecretFile)
		text, err := os.ReadFile(secret.SecretFile)
		if err != nil {
			l.Fault(at, key+".secret_file", "%q: %s", secret.SecretFile, layers.Unreadable(err))
			return false
		}
		secret.Secret = NewSecret(strings.TrimSpace(strings.TrimPrefix(string(text), layers.ByteOrderMark)))
	case secret.Env != "":
		at, where = l.At(key+".env"), "the variable "+secret.Env
		secret.Secret = NewSecret(strings.TrimSpace(Lookup(l.Environ, secret.Env)))
	default:
		l.Fault(at, key, "has no secret; write secret_file, env or secret")
		return false
	}
	switch text := secret.Secret.Reveal(); {
	case text == "":
		l.Fault(at, key, "%s is empty", where)
		return false
	case strings.ContainsAny(text, "\r\n") && !strings.HasPrefix(text, pemBegin):
		l.Fault(at, key, "%s has several lines; write one secret a file", where)
		return false
	case len(text) < minTokenLength:
		l.Warn(at, key, "%s is shorter than %d characters and could be guessed", where, minTokenLength)
	}
	return true
}

// readChallengePassword reads the password of a challenge from its file, where one is named.
func (l *loader) readChallengePassword(source *Source) {
	key := sourceKey(source.Name, "challenge.password_file")
	path := source.Challenge.PasswordFile
	if path == "" || l.WithoutTokens {
		return
	}
	lines, err := readTokens(path)
	switch {
	case err != nil:
		l.Fault(l.At(key), key, "%q: %s", path, layers.Unreadable(err))
	case len(lines) > 1:
		l.Fault(l.At(key), key, "%q has several lines; write one password", path)
	default:
		source.Challenge.Password = NewSecret(lines[0])
	}
}
