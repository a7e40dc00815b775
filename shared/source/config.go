package source

import (
	"maps"
	"slices"

	"sluice.internal/shared/config"
)

// Known is what configuration has to know about the providers.
func Known() map[string]config.Provider {
	known := make(map[string]config.Provider, len(registry))
	for name, provider := range registry {
		known[name] = config.Provider{
			Path: provider.Path, Patience: provider.Patience,
			Lists: slices.Sorted(maps.Keys(provider.Addresses)),
		}
	}
	return known
}
