package source

import (
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// AddressList is what a provider publishes about where it sends from.
type AddressList struct {
	// AsOf is the day on which the list was last compared with what the provider publishes.
	AsOf time.Time
	// Prefixes are the addresses; a single one has the full length.
	Prefixes []netip.Prefix
}

// Allowlist says which addresses may send. The zero value allows all. It is immutable and safe for concurrent use.
type Allowlist struct {
	prefixes []netip.Prefix
}

// NewAllowlist returns an allowlist of the prefixes. Without any it allows all.
func NewAllowlist(prefixes ...netip.Prefix) Allowlist {
	return Allowlist{prefixes: slices.Clone(prefixes)}
}

// Allows reports whether the address may send. An address that is not known (the zero Addr) may send only where everybody
// may: otherwise a proxy that is set up wrongly would open the gate. IPv4 written as IPv6 counts as IPv4.
func (a Allowlist) Allows(address netip.Addr) bool {
	if len(a.prefixes) == 0 {
		return true
	}
	address = address.Unmap().WithZone("")
	return slices.ContainsFunc(a.prefixes, func(prefix netip.Prefix) bool { return prefix.Contains(address) })
}

// NamedAddresses returns the prefixes of the provider's lists with these names. A name that the provider does not publish
// is an error, and not an empty list: an empty list would allow everybody.
func (p Provider) NamedAddresses(names ...string) ([]netip.Prefix, error) {
	var prefixes []netip.Prefix
	for _, name := range names {
		list, ok := p.Addresses[name]
		if !ok {
			return nil, fmt.Errorf("provider %q publishes no list of addresses called %q", p.Name, name)
		}
		prefixes = append(prefixes, list.Prefixes...)
	}
	return prefixes, nil
}

// hosts makes prefixes of single addresses. It panics on a text that is no address: the lists stand in this package.
func hosts(addresses ...string) []netip.Prefix {
	prefixes := make([]netip.Prefix, 0, len(addresses))
	for _, address := range addresses {
		addr := netip.MustParseAddr(address)
		prefixes = append(prefixes, netip.PrefixFrom(addr, addr.BitLen()))
	}
	return prefixes
}
