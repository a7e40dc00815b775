package source_test

import (
	"net/netip"
	"strings"
	"testing"

	"sluice.internal/shared/source"
)

func TestPublishedAddressesAreOneList(t *testing.T) {
	t.Parallel()
	provider := source.Providers()["green-api"]
	prefixes, err := provider.NamedAddresses("green-api")
	if err != nil {
		t.Fatal(err)
	}
	list := source.NewAllowlist(prefixes...)
	for address, want := range map[string]bool{
		"46.101.109.139": true, "89.169.144.17": true, "209.38.202.24": true, "207.154.255.195": true,
		"::ffff:46.101.109.139": true, "46.101.109.140": false, "127.0.0.1": false, "::1": false,
	} {
		if got := list.Allows(netip.MustParseAddr(address)); got != want {
			t.Errorf("%s: %t, want %t", address, got, want)
		}
	}
	if provider.Addresses["green-api"].AsOf.IsZero() {
		t.Error("the list has no date")
	}
	if _, err := provider.NamedAddresses("green-api", "other"); err == nil || !strings.Contains(err.Error(), `"other"`) {
		t.Errorf("error %v", err)
	}
}

func TestAllowlistTakesNetworksOfBothFamilies(t *testing.T) {
	t.Parallel()
	list := source.NewAllowlist(netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8::/32"))
	for address, want := range map[string]bool{
		"10.1.2.3": true, "11.0.0.1": false, "2001:db8::1": true, "2001:db9::1": false, "::ffff:10.0.0.1": true, "fe80::1%eth0": false,
	} {
		if got := list.Allows(netip.MustParseAddr(address)); got != want {
			t.Errorf("%s: %t, want %t", address, got, want)
		}
	}
	if list.Allows(netip.Addr{}) {
		t.Error("an unknown address is allowed")
	}
	if !(source.Allowlist{}).Allows(netip.Addr{}) {
		t.Error("without a list, somebody is refused")
	}
}
