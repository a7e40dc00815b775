package config

import (
	"cmp"
	"maps"
	"net/netip"
	"reflect"
	"regexp"
	"slices"
	"strings"
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
	names := l.merged.MapKeys("sources")
	for name := range l.named {
		names = append(names, name)
	}
	if len(names) == 0 {
		names = []string{defaultSource}
	}
	slices.Sort(names)
	return slices.DeleteFunc(slices.Compact(names), func(name string) bool { return !isSourceName(name) })
}

func (l *loader) source(name string) Source {
	var written sourceKnobs
	for _, k := range l.table.leaves() {
		if strings.Contains(k.key, anySource) && !strings.Contains(k.key, anyItem) {
			l.fill(reflect.ValueOf(&written).Elem(), k, keyOf(k, name))
		}
	}
	source := Source{
		Name: name, Provider: cmp.Or(written.Provider, name), TokenHeader: written.TokenHeader,
		Certificates: written.Certificates, Signature: written.Signature, Tolerance: written.Tolerance,
		Read: written.Read, Mode: written.Mode,
	}
	provider, known := l.provider(source)
	if source.Auth = written.Auth; !l.isSet(sourceKey(name, "auth")) { // Else it is at fault already when it is empty.
		source.Auth = cmp.Or(provider.Auth, AuthToken)
	}
	source.Path = normalised(cmp.Or(written.Path, provider.Path))
	source.PublishDeadline = cmp.Or(written.PublishDeadline, provider.Patience)
	source.Prefixes, source.Lists = l.allow(name, provider, known)
	fits := l.checkAuth(source, provider, known)
	source.Tokens, source.Secrets = l.credentials(source, provider)
	if known && fits && provider.Check != nil {
		for _, fault := range provider.Check(source) {
			l.fault(l.sourceAt(name, fault.Key), sourceKey(name, fault.Key), "%s", fault.Message)
		}
	}
	return source
}

// checkAuth holds a source to the ways in which its provider's senders can prove who they are, and tells whether it is
// one of them.
func (l *loader) checkAuth(source Source, provider Provider, known bool) bool {
	own := cmp.Or(provider.Auth, AuthToken)
	ways := append([]string{own, AuthNone, AuthCertificate}, provider.Auths...)
	if source.Auth == "" {
		return false
	}
	if known && !slices.Contains(ways, source.Auth) {
		l.fault(l.sourceAt(source.Name, "auth"), sourceKey(source.Name, "auth"), "%q is not what senders of provider %q can do; choose one of %s",
			source.Auth, source.Provider, strings.Join(ways, ", "))
		return false
	}
	if source.Auth == AuthCertificate && len(source.Certificates) == 0 {
		l.fault(l.sourceAt(source.Name, "auth"), sourceKey(source.Name, "certificates"), "is missing: name the certificates that may send")
	}
	if source.Auth == AuthHeader && source.TokenHeader == "" {
		l.fault(l.sourceAt(source.Name, "auth"), sourceKey(source.Name, "token_header"), "is missing: name the header that has the token")
	}
	return true
}

// sourceAt is where the source's key was set, or else where the source was.
func (l *loader) sourceAt(name, key string) place {
	return cmp.Or(l.at(sourceKey(name, key)), l.named[name])
}

func sourceKey(name, key string) string {
	return "sources." + name + "." + key
}

func (l *loader) provider(source Source) (provider Provider, known bool) {
	provider, known = l.Providers[source.Provider]
	if !known && l.Providers != nil {
		names := slices.Sorted(maps.Keys(l.Providers))
		l.fault(l.sourceAt(source.Name, "provider"), sourceKey(source.Name, "provider"), "unknown provider %q%s",
			source.Provider, hint(source.Provider, names))
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
		l.fault(at, key, "%q is not a path; write for example /green-api/webhook", source.Path)
	case taken && owner == "":
		l.fault(at, key, "%q is the gateway's own; choose another", source.Path)
	case taken:
		other := cmp.Or(l.sourceAt(owner, "path").String(), "set nowhere")
		l.fault(at, key, "%q is taken by sources.%s (%s); give each source a path of its own", source.Path, owner, other)
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

// allow parts addresses from names of lists. Where the provider is not known, any name will do.
func (l *loader) allow(name string, provider Provider, known bool) (prefixes []netip.Prefix, lists []string) {
	key := sourceKey(name, "allow")
	for _, item := range l.items(key) {
		prefix, err := parsePrefix(item.Text)
		switch {
		case slices.Contains(provider.Lists, item.Text), !known && isSourceName(item.Text):
			lists = append(lists, item.Text)
		case err == nil:
			prefixes = append(prefixes, prefix)
		case len(provider.Lists) > 0:
			l.fault(item.Place, key, "%q %s, or a list: %s", item.Text, err, strings.Join(provider.Lists, ", "))
		default:
			l.fault(item.Place, key, "%q %s", item.Text, err)
		}
	}
	return prefixes, lists
}
