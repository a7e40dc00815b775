package config

import (
	"cmp"
	"net/url"
	"os"
	"regexp"
	"strings"

	"sluice.internal/shared/config/internal/layers"
)

// handlerName is what a handler may be called: mostly as the type that it handles.
var handlerName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// handlers reads and checks the handlers that are no Go.
func (l *loader) handlers() map[string]Handler {
	names := l.NamesIn("handlers")
	if len(names) == 0 {
		return nil
	}
	handlers, owners := map[string]Handler{}, map[[2]string]string{}
	for _, name := range names {
		key := "handlers." + name
		handler := Handler{Name: name}
		l.FillNamed(&handler, "handlers."+anyHandler, key)
		handler.Type = cmp.Or(handler.Type, name)
		l.checkHandler(&handler, key)
		handled := [2]string{handler.Provider, handler.Type}
		if owner := owners[handled]; owner != "" {
			l.Fault(l.NamedAt[key], key, "handles type %q of provider %s, as handlers.%s does; remove one of them", handler.Type, handler.Provider, owner)
		}
		owners[handled] = name
		handlers[name] = handler
	}
	return handlers
}

func (l *loader) checkHandler(handler *Handler, key string) {
	at := l.NamedAt[key]
	switch {
	case handler.URL == "" && len(handler.Exec) == 0:
		l.Fault(at, key, "says neither url nor exec; set the one that is to be called")
	case handler.URL != "" && len(handler.Exec) > 0:
		l.Fault(l.At(key+".url"), key+".url", "can't be set together with %s.exec (%s)", key, l.Placed(key+".exec"))
	case handler.URL != "":
		l.checkEndpoint(handler.URL, key+".url")
	case strings.TrimSpace(handler.Exec[0]) == "":
		l.Fault(l.At(key+".exec"), key+".exec", "has no command; write for example [python3, handler.py]")
	}
	if handler.SecretFile != "" && l.HandlerSecrets {
		handler.Secret = l.secretIn(handler.SecretFile, key+".secret_file")
	}
	if l.Providers != nil {
		if _, known := l.Providers[handler.Provider]; !known {
			l.Fault(cmp.Or(l.At(key+".provider"), at), key+".provider", "there is no provider %q", handler.Provider)
		}
	}
}

// checkEndpoint checks the address of a program. It does not repeat one with a password in it.
func (l *loader) checkEndpoint(address, key string) {
	parsed, err := url.Parse(address)
	switch {
	case err != nil || parsed.Host == "" || parsed.Scheme != "http" && parsed.Scheme != "https":
		l.Fault(l.At(key), key, "is not an address to post to; write for example http://localhost:3000/hook")
	case parsed.User != nil:
		l.Fault(l.At(key), key, "has a user or a password in it, which logs would show; let the program check the signature (secret_file)")
	}
}

// secretIn reads a secret from its file, and reports what is wrong.
func (l *loader) secretIn(path, key string) Secret {
	text, err := os.ReadFile(path)
	if err != nil {
		l.Fault(l.At(key), key, "%q: %s", path, layers.Unreadable(err))
		return Secret{}
	}
	secret := strings.TrimSpace(strings.TrimPrefix(string(text), layers.ByteOrderMark))
	switch {
	case secret == "":
		l.Fault(l.At(key), key, "%q is empty", path)
	case strings.ContainsAny(secret, "\r\n"):
		l.Fault(l.At(key), key, "%q has several lines; write one secret a file", path)
	}
	return NewSecret(secret)
}
