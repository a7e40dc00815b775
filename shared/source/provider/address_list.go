package provider

import (
	"fmt"
	"net/netip"
	"time"
)

// AddressList is what a provider publishes about where it sends from.
type AddressList struct {
	// AsOf is the day on which the list was last compared with what the provider publishes.
	AsOf time.Time
	// Prefixes are the addresses; a single one has the full length.
	Prefixes []netip.Prefix
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
