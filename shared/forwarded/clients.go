// Package forwarded finds out where requests come from, through proxies whose word is taken.
//
// Exactly one header is read: X-Forwarded-For, or Forwarded of RFC 7239 (rfc7239.go). Proxies pass the other one on untouched,
// and a client can write into it what it likes.
package forwarded

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"sluice.internal/shared/config"
)

// headerForwarded is the header of RFC 7239, which is not read as X-Forwarded-For is.
const headerForwarded = "Forwarded"

// Clients tells where requests come from. The zero value trusts nobody, so that it is the address of the connection.
type Clients struct {
	// Trusted are the addresses of the proxies.
	Trusted []netip.Prefix
	// Header is the one that they name the client in.
	Header string
}

// Configured returns what tells where requests come from by the proxies of a configuration. They stand before everything that
// senders and bots call.
func Configured(cfg config.Gateway) Clients {
	return Clients{Trusted: cfg.TrustedProxies, Header: cfg.ForwardedHeader}
}

// Address returns the client's address, the zero Addr when it can't be told.
//
// Each proxy adds at the right of the header whom it heard from, so only what a trusted one wrote is believed:
// from the right up to the first address that is no trusted proxy's. Left of it stands what the client
// wants to be read, and it is not even parsed.
func (c Clients) Address(request *http.Request) netip.Addr {
	client := peer(request)
	if !client.IsValid() {
		return client
	}
	lines := request.Header.Values(c.Header)
	for _, line := range slices.Backward(lines) {
		for more := true; more; {
			if !c.trusts(client) {
				return client
			}
			var entry string
			line, entry, more = c.lastEntry(line)
			if client = c.parse(entry); !client.IsValid() {
				return client
			}
		}
	}
	return client
}

// FromProxy reports whether the connection itself comes from a trusted proxy, whoever the client is.
func (c Clients) FromProxy(request *http.Request) bool {
	address := peer(request)
	return address.IsValid() && c.trusts(address)
}

// peer is the address of the connection, the zero Addr when it has none.
func peer(request *http.Request) netip.Addr {
	address, err := netip.ParseAddrPort(request.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return plain(address.Addr())
}

// trusts reports whether the address is a trusted proxy's.
func (c Clients) trusts(address netip.Addr) bool {
	return slices.ContainsFunc(c.Trusted, func(prefix netip.Prefix) bool { return prefix.Contains(address) })
}

// lastEntry takes the last entry off a header line; more says whether there are others left of it.
func (c Clients) lastEntry(line string) (rest, entry string, more bool) {
	comma := strings.LastIndexByte(line, ',')
	if c.Header == headerForwarded {
		comma = lastUnquotedComma(line)
	}
	return line[:max(comma, 0)], line[comma+1:], comma >= 0
}

func (c Clients) parse(entry string) netip.Addr {
	if c.Header == headerForwarded {
		return parseForwarded(entry)
	}
	return parseNode(strings.TrimSpace(entry))
}

// parseNode reads an address with or without brackets and port. RFC 7239, section 6, lets a port be a made-up
// name that begins with "_".
func parseNode(node string) netip.Addr {
	if address, err := netip.ParseAddr(node); err == nil {
		return plain(address)
	}
	host, port, found := strings.Cut(node, ":")
	if bracketed, ok := strings.CutPrefix(node, "["); ok {
		host, port, ok = strings.Cut(bracketed, "]")
		if !ok {
			return netip.Addr{}
		}
		port, found = strings.CutPrefix(port, ":")
		if !found && port != "" || !strings.Contains(host, ":") {
			return netip.Addr{}
		}
	}
	address, err := netip.ParseAddr(host)
	if err != nil || found && !isPort(port) {
		return netip.Addr{}
	}
	return plain(address)
}

func isPort(port string) bool {
	if name, ok := strings.CutPrefix(port, "_"); ok {
		return name != "" && !strings.ContainsFunc(name, notInObfuscated)
	}
	return port != "" && len(port) <= 5 && !strings.ContainsFunc(port, func(r rune) bool { return r < '0' || r > '9' })
}

func notInObfuscated(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-._", r)
}

// plain writes an address in the one form that prefixes are compared with: IPv4 as IPv4, no zone.
func plain(address netip.Addr) netip.Addr { return address.Unmap().WithZone("") }
