package gateway

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// headerForwarded is the header of RFC 7239, which is not read as X-Forwarded-For is.
const headerForwarded = "Forwarded"

// clientAddresses finds out where requests come from, through proxies whose word is taken.
type clientAddresses struct {
	trusted []netip.Prefix
	header  string
}

// of returns the client's address, the zero Addr when it can't be told.
//
// Each proxy adds at the right of the header whom it heard from, so only what a trusted one wrote is believed:
// from the right up to the first address that is no trusted proxy's. Left of it stands what the client
// wants to be read, and it is not even parsed.
func (c clientAddresses) of(request *http.Request) netip.Addr {
	peer, err := netip.ParseAddrPort(request.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	client := plain(peer.Addr())
	lines := request.Header.Values(c.header)
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

// trusts reports whether the address is a trusted proxy's.
func (c clientAddresses) trusts(address netip.Addr) bool {
	return slices.ContainsFunc(c.trusted, func(prefix netip.Prefix) bool { return prefix.Contains(address) })
}

// lastEntry takes the last entry off a header line; more says whether there are others left of it.
func (c clientAddresses) lastEntry(line string) (rest, entry string, more bool) {
	comma := strings.LastIndexByte(line, ',')
	if c.header == headerForwarded {
		comma = lastUnquotedComma(line)
	}
	return line[:max(comma, 0)], line[comma+1:], comma >= 0
}

func (c clientAddresses) parse(entry string) netip.Addr {
	if c.header == headerForwarded {
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
