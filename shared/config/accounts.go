package config

import (
	"errors"
	"net/url"
	"regexp"
	"strings"

	"sluice.internal/shared/config/internal/layers"
)

var (
	instanceName = regexp.MustCompile(`^[0-9]{1,20}$`)
	botName      = regexp.MustCompile(`^[a-z0-9_-]{1,32}$`)
)

// instances reads and checks the accounts of a source.
func (l *loader) instances(source Source, provider Provider, known bool) map[string]Instance {
	section := sourceKey(source.Name, "instances")
	names := l.NamesIn(section)
	if len(names) > 0 && known && !provider.HTTPAPI {
		l.Fault(l.NamedAt[section+"."+names[0]], section, "are for provider green-api; provider %q is not asked for anything", source.Provider)
		return nil
	}
	if len(names) == 0 {
		return nil
	}
	instances := map[string]Instance{}
	for _, id := range names {
		key := section + "." + id
		instance := Instance{ID: id}
		l.FillNamed(&instance, sourceKey(anySource, "instances."+anyInstance), key)
		l.checkAddress(key+".api_url", instance.APIURL)
		l.checkAddress(key+".media_url", instance.MediaURL)
		l.readInstanceToken(&instance, key)
		instances[id] = instance
	}
	return instances
}

// checkAddress checks the address of an API, which gets the token in every request. Source: the package greenapi, which
// refuses the same.
func (l *loader) checkAddress(key, address string) {
	if address == "" {
		return
	}
	if err := checkHTTPS(address); err != nil {
		l.Fault(l.At(key), key, "%q %s", address, err)
	}
}

func checkHTTPS(address string) error {
	parsed, err := url.Parse(address)
	if err != nil || parsed.Host == "" || parsed.User != nil || parsed.RawQuery != "" || parsed.Fragment != "" {
		return errors.New("is not an address; write for example https://1101.api.green-api.com")
	}
	host := parsed.Hostname()
	loopback := host == "localhost" || host == "::1" || strings.HasPrefix(host, "127.")
	if parsed.Scheme != "https" && (parsed.Scheme != "http" || !loopback) {
		return errors.New("must begin with https://, since the token is in every request")
	}
	return nil
}

// readInstanceToken reads the token of an instance. One that is polled must have one; one that only sends webhooks may.
func (l *loader) readInstanceToken(instance *Instance, key string) {
	tokens := l.accountTokens(key+".token_file", instance.TokenFile)
	switch {
	case len(tokens) > 1:
		l.Fault(l.At(key+".token_file"), key+".token_file", "has several lines; an instance has one token")
	case len(tokens) == 1:
		instance.Token = tokens[0]
	case l.Accounts && instance.TokenFile == "" && instance.Receive == ReceiveHTTPAPI:
		l.Fault(l.NamedAt[key], key, "has no token_file; GREEN-API hands out nothing without the apiTokenInstance")
	}
}

// accountTokens reads a file of tokens where Options ask for those.
func (l *loader) accountTokens(key, path string) []Secret {
	if path == "" || !l.Accounts {
		return nil
	}
	texts, err := readTokens(path)
	if err != nil {
		l.Fault(l.At(key), key, "%q: %s", path, layers.Unreadable(err))
		return nil
	}
	tokens := make([]Secret, len(texts))
	for i, text := range texts {
		tokens[i] = NewSecret(text)
		if len(text) < minTokenLength {
			l.Warn(l.At(key), key, "a token in %q is shorter than %d characters and could be guessed", path, minTokenLength)
		}
	}
	return tokens
}
