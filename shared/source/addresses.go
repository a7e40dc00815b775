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
	// Prefixes are the addresses.
	Prefixes []netip.Prefix
}

// Allowlist says which addresses may send. The zero value allows all.
type Allowlist struct {
	prefixes []netip.Prefix
}

// NewAllowlist makes an allowlist of the prefixes. Without any it allows all.
func NewAllowlist(prefixes ...netip.Prefix) Allowlist {
	return Allowlist{prefixes: slices.Clone(prefixes)}
}

// Allows tells whether the address may send. An address that is not known (the zero Addr) may only where
// everybody may. IPv4 written as IPv6 counts as IPv4.
func (a Allowlist) Allows(address netip.Addr) bool {
	if len(a.prefixes) == 0 {
		return true
	}
	address = address.Unmap().WithZone("")
	return slices.ContainsFunc(a.prefixes, func(prefix netip.Prefix) bool { return prefix.Contains(address) })
}

// NamedAddresses returns the prefixes of the provider's lists with these names.
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

// hosts makes prefixes of single addresses. It panics on what is no address: the lists are in this package.
func hosts(addresses ...string) []netip.Prefix {
	prefixes := make([]netip.Prefix, 0, len(addresses))
	for _, address := range addresses {
		addr := netip.MustParseAddr(address)
		prefixes = append(prefixes, netip.PrefixFrom(addr, addr.BitLen()))
	}
	return prefixes
}
