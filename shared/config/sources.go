package config

import (
	"cmp"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"sluice.internal/shared/config/internal/layers"
	"sluice.internal/shared/config/internal/value"
)

// defaultSource is there when no source is configured.
const defaultSource = "green-api"

var (
	sourceName  = regexp.MustCompile(`^[a-z0-9-]{1,32}$`)
	pathSegment = regexp.MustCompile(`^[A-Za-z0-9._~-]+$`)
)

func isSourceName(name string) bool {
	return sourceName.MatchString(name)
}

// known returns every key that can be set from outside of the file, which is where names of sources come from.
func (l *loader) known() map[string]*layers.Row {
	known := map[string]*layers.Row{}
	for _, k := range l.Table.Leaves() {
		if k.FileOnly {
			continue
		}
		if !inSource(k) {
			known[k.Key] = k
			continue
		}
		known[keyOf(k, defaultSource)] = k
		for name := range l.Outer {
			if isSourceName(name) {
				known[keyOf(k, name)] = k
			}
		}
	}
	return known
}

// keyOf returns the key for the source of that name; a key outside of sources is the same for all.
func keyOf(k *layers.Row, source string) string {
	return strings.Replace(k.Key, anySource, source, 1)
}

// sources resolves every source, in the order of their names so that of two with one path it is always the same
// that is at fault.
func (l *loader) sources() map[string]Source {
	sources := map[string]Source{}
	owners := map[string]string{"/healthz": "", "/readyz": ""}
	for _, name := range l.sourceNames() {
		source := l.source(name)
		l.checkPath(source, owners)
		sources[name] = source
	}
	return sources
}

func (l *loader) sourceNames() []string {
	var names []string
	for key := range l.Values {
		if rest, ok := strings.CutPrefix(key, "sources."); ok {
			name, _, _ := strings.Cut(rest, ".")
			names = append(names, name)
		}
	}
	for name := range l.Outer {
		names = append(names, name)
	}
	if len(names) == 0 {
		names = []string{defaultSource}
	}
	slices.Sort(names)
	return slices.DeleteFunc(slices.Compact(names), func(name string) bool { return !isSourceName(name) })
}

// source fills in and checks one source: first what is written, then what its provider has instead, then its secrets,
// and last what only the provider can find wrong.
func (l *loader) source(name string) Source {
	var source Source
	for _, k := range l.Table.Leaves() {
		if inSource(k) && !k.FileOnly {
			l.Fill(reflect.ValueOf(&source).Elem(), k, keyOf(k, name))
		}
	}
	source.Name, source.Provider = name, cmp.Or(source.Provider, name)
	source.PublicURL = l.Values["gateway.public_url"].Text
	provider, known := l.provider(source)
	if !l.IsSet(sourceKey(name, "auth")) { // Else it is at fault already when it is empty.
		source.Auth = cmp.Or(provider.Auth, AuthToken)
	}
	source.Path = normalised(cmp.Or(source.Path, provider.Path))
	source.BodyLimit = cmp.Or(source.BodyLimit, provider.BodyLimit)
	source.PublishDeadline = cmp.Or(source.PublishDeadline, provider.PublishTimeout)
	l.checkAllow(source, provider, known)
	source.Instances = l.instances(source, provider, known)
	fits := l.checkAuth(source, provider, known)
	l.readCredentials(&source, provider)
	l.readSchemes(&source)
	l.readChallengePassword(&source)
	if known && fits && provider.Check != nil {
		for _, fault := range provider.Check(source) {
			l.Fault(l.sourceAt(name, fault.Key), sourceKey(name, fault.Key), "%s", fault.Message)
		}
	}
	return source
}

// checkAuth checks that the provider's senders can prove who they are in the source's way, and that the source has what
// the way needs. It reports whether the provider knows the way.
func (l *loader) checkAuth(source Source, provider Provider, known bool) bool {
	own := cmp.Or(provider.Auth, AuthToken)
	ways := append([]string{own, AuthNone, AuthCertificate}, provider.Auths...)
	if source.Auth == "" {
		return false
	}
	if known && !slices.Contains(ways, source.Auth) {
		l.Fault(l.sourceAt(source.Name, "auth"), sourceKey(source.Name, "auth"), "%q is not what senders of provider %q can do; choose one of %s",
			source.Auth, source.Provider, strings.Join(ways, ", "))
		return false
	}
	if source.Auth == AuthCertificate && len(source.Certificates) == 0 {
		l.Fault(l.sourceAt(source.Name, "auth"), sourceKey(source.Name, "certificates"), "is missing: name the certificates that may send")
	}
	if source.Auth == AuthCertificate && known && !l.WithoutTokens && !l.IsSet("gateway.tls.client_ca_file") {
		l.Fault(l.sourceAt(source.Name, "auth"), sourceKey(source.Name, "auth"), "needs gateway.tls.client_ca_file: without it no client's certificate is believed")
	}
	if source.Auth != own { // Whose place the provider knows.
		l.checkTokenPlace(source, l.sourceAt(source.Name, "auth"), "sources."+source.Name)
	}
	return true
}

// checkTokenPlace checks that a token's place is named where there is no usual one.
func (l *loader) checkTokenPlace(source Source, at layers.Place, section string) {
	for _, one := range []struct{ auth, name, value, what string }{
		{AuthHeader, "token_header", source.TokenHeader, "name the header that has the token"},
		{AuthQuery, "token_parameter", source.TokenParameter, "name the parameter of the URL that has the token"},
		{AuthBody, "token_at", source.TokenAt, "say where the body has the token, as in /secret"},
	} {
		if source.Auth == one.auth && one.value == "" {
			l.Fault(at, section+"."+one.name, "is missing: %s", one.what)
		}
	}
}

// sourceAt is where the source's key was set, or else where the source was.
func (l *loader) sourceAt(name, key string) layers.Place {
	return cmp.Or(l.At(sourceKey(name, key)), l.Outer[name])
}

func sourceKey(name, key string) string {
	return "sources." + name + "." + key
}

func (l *loader) provider(source Source) (provider Provider, known bool) {
	provider, known = l.Providers[source.Provider]
	if !known && l.Providers != nil {
		names := slices.Sorted(maps.Keys(l.Providers))
		l.Fault(l.sourceAt(source.Name, "provider"), sourceKey(source.Name, "provider"), "unknown provider %q%s",
			source.Provider, layers.Hint(source.Provider, names))
	}
	return provider, known
}

// normalised is the path with a slash in front and none behind; empty stays empty.
func normalised(path string) string {
	if path == "" {
		return ""
	}
	return "/" + strings.Trim(path, "/")
}

// checkPath holds paths apart. Owners are the sources by path, with an empty name for the gateway itself.
func (l *loader) checkPath(source Source, owners map[string]string) {
	at, key := l.sourceAt(source.Name, "path"), sourceKey(source.Name, "path")
	owner, taken := owners[source.Path]
	switch {
	case source.Path == "":
		return // of a provider that nobody knows
	case !isPath(source.Path):
		l.Fault(at, key, "%q is not a path; write for example /green-api/webhook", source.Path)
	case taken && owner == "":
		l.Fault(at, key, "%q is the gateway's own; choose another", source.Path)
	case taken:
		other := cmp.Or(l.sourceAt(owner, "path").String(), "set nowhere")
		l.Fault(at, key, "%q is taken by sources.%s (%s); give each source a path of its own", source.Path, owner, other)
	default:
		owners[source.Path] = source.Name
	}
}

func isPath(path string) bool {
	for segment := range strings.SplitSeq(path[1:], "/") {
		if !pathSegment.MatchString(segment) || segment == "." || segment == ".." {
			return false
		}
	}
	return true
}

// checkAllow checks that each item is an address or the name of a list. Where the provider is not known, any name will do.
func (l *loader) checkAllow(source Source, provider Provider, known bool) {
	key := sourceKey(source.Name, "allow")
	for _, item := range l.Items(key) {
		_, err := value.ParsePrefix(item.Text)
		switch {
		case err == nil, slices.Contains(provider.Lists, item.Text), !known && isSourceName(item.Text):
		case len(provider.Lists) > 0:
			l.Fault(item.Place, key, "%q %s, or a list: %s", item.Text, err, strings.Join(provider.Lists, ", "))
		default:
			l.Fault(item.Place, key, "%q %s", item.Text, err)
		}
	}
}
