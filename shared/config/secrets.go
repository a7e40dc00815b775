package config

import (
	"os"
	"reflect"
	"strconv"
	"strings"
)

// NeedsSecret tells whether a request is held against the source's tokens and secrets.
func (s Source) NeedsSecret() bool { return s.Auth != AuthNone && s.Auth != AuthCertificate }

// Credentials are all tokens and secrets.
func (s Source) Credentials() []Credential {
	all := make([]Credential, 0, len(s.Tokens)+len(s.Secrets))
	for _, token := range s.Tokens {
		all = append(all, Credential{Secret: token})
	}
	return append(all, s.Secrets...)
}

// itemAt is the place in a list of sections as it stands in a key.
func itemAt(i int) string { return "[" + strconv.Itoa(i) + "]" }

// secrets reads the source's list of secrets.
func (l *loader) secrets(source string) []Credential {
	list := sourceKey(source, "secrets")
	var secrets []Credential
	for i, at := range l.sectionsAt[list] {
		key := list + itemAt(i)
		var written secretKnobs
		for _, k := range l.table.leaves() {
			if name, ok := strings.CutPrefix(k.key, sourceKey(anySource, "secrets")+anyItem); ok {
				l.fill(reflect.ValueOf(&written).Elem(), k, key+name)
			}
		}
		if secret, ok := l.secret(written, key, at); ok {
			secrets = append(secrets, Credential{Secret: secret, From: written.From, Until: written.Until})
		}
		if !written.From.IsZero() && !written.Until.IsZero() && !written.From.Before(written.Until) {
			l.fault(l.at(key+".until"), key+".until", "is not after from (%s), so that the secret is never valid", l.placed(key+".from"))
		}
	}
	return secrets
}

// secret finds a secret in the one place that is written.
func (l *loader) secret(written secretKnobs, key string, at place) (secret Secret, ok bool) {
	l.checkOneOf(key+".secret", key+".secret_file", key+".env")
	var where string
	switch {
	case l.isSet(key + ".secret"):
		secret, where, at = written.Secret, "the secret", l.at(key+".secret")
	case written.SecretFile != "":
		at, where = l.at(key+".secret_file"), "the secret in "+strconv.Quote(written.SecretFile)
		text, err := os.ReadFile(written.SecretFile)
		if err != nil {
			l.fault(at, key+".secret_file", "%q: %s", written.SecretFile, unreadable(err))
			return Secret{}, false
		}
		secret = NewSecret(strings.TrimSpace(strings.TrimPrefix(string(text), "\ufeff")))
	case written.Env != "":
		at, where = l.at(key+".env"), "the variable "+written.Env
		secret = NewSecret(strings.TrimSpace(l.variableOf(written.Env)))
	default:
		l.fault(at, key, "has no secret; write secret_file, env or secret")
		return Secret{}, false
	}
	switch text := secret.Reveal(); {
	case text == "":
		l.fault(at, key, "%s is empty", where)
		return Secret{}, false
	case strings.ContainsAny(text, "\r\n"):
		l.fault(at, key, "%s has several lines; write one secret a file", where)
		return Secret{}, false
	case len(text) < shortToken:
		l.warn(at, key, "%s is shorter than %d characters and could be guessed", where, shortToken)
	}
	return secret, true
}

// variableOf is the value of a variable, empty when it is not set. Of several the last counts, as for exec.
func (l *loader) variableOf(name string) string {
	value := ""
	for _, entry := range l.Environ {
		if text, found := strings.CutPrefix(entry, name+"="); found {
			value = text
		}
	}
	return value
}
