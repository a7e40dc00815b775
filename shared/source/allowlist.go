package source

import (
	"net/netip"
	"slices"
)

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
