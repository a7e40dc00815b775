package cli

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"sluice.internal/shared/source"
)

// allowlistCommand prints the addresses that a provider publishes, for a firewall or for nginx. The gateway needs none of
// this: it has the lists built in.
type allowlistCommand struct {
	Name  string `arg:"" placeholder:"LIST" help:"Name of the list, as in sources.SOURCE.allow."`
	Nginx bool   `help:"Print directives of nginx that let in these addresses and nobody else."`
}

func (allowlistCommand) Help() string {
	return `Example:

    sluice config allowlist green-api --nginx > nginx/allowlist/green-api.conf`
}

// Run prints one address or network a line. For nginx it ends with "deny all", and says of when the list is, so that an old
// file is known for one.
func (c *allowlistCommand) Run(s *session) error {
	list, err := addressList(c.Name)
	if err != nil {
		return err
	}
	form, end := "%s", ""
	if c.Nginx {
		form, end = "allow %s;", "deny all;"
		_ = s.out.Line("# %s, as published on %s", c.Name, list.AsOf.Format("2006-01-02")) // The last line has the error.
	}
	for _, prefix := range list.Prefixes {
		text := prefix.String()
		if prefix.IsSingleIP() {
			text = prefix.Addr().String()
		}
		_ = s.out.Line(form, text)
	}
	if end != "" {
		_ = s.out.Line("%s", end)
	}
	return s.out.Flush()
}

// addressList finds a list among those of all providers.
func addressList(name string) (source.AddressList, error) {
	lists := map[string]source.AddressList{}
	for _, provider := range source.Providers() {
		maps.Copy(lists, provider.Addresses)
	}
	list, known := lists[name]
	if !known {
		return list, fmt.Errorf("there is no list of addresses called %q; there is %s",
			name, strings.Join(slices.Sorted(maps.Keys(lists)), ", "))
	}
	return list, nil
}
