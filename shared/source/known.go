package source

import (
	"maps"
	"slices"

	"sluice.internal/shared/config"
	"sluice.internal/shared/proof"
)

// Known returns what the configuration has to know about the providers, by name. It is how config, which stands below this
// package, has their defaults and their checks.
func Known() map[string]config.Provider {
	known := map[string]config.Provider{}
	for name, provider := range Providers() {
		known[name] = config.Provider{
			Path: provider.Path, PublishTimeout: provider.PublishTimeout,
			BodyLimit: config.Size(provider.DefaultBodyLimit()), Lists: slices.Sorted(maps.Keys(provider.Addresses)),
			Auth: authOf(provider), Auths: authsOf(provider), GivesSecret: provider.GivesSecret, HTTPAPI: provider.HTTPAPI,
			Check: func(written config.Source) []config.SourceFault { return check(provider, written) },
		}
	}
	return known
}

// authOf returns how the configuration calls the provider's own proof.
func authOf(p Provider) string {
	if _, ok := proof.SignatureOf(p.Proof); ok {
		return config.AuthSignature
	}
	switch fields := proof.FieldsOf(p.Proof); {
	case fields.InPath:
		return config.AuthPath
	case fields.Parameter != "":
		return config.AuthQuery
	case p.Proof.CoversBody():
		return config.AuthBody
	default:
		return config.AuthToken
	}
}

// authsOf returns the ways that a source may choose instead of the provider's own.
func authsOf(p Provider) []string {
	if !p.Configurable {
		return nil
	}
	return []string{config.AuthBasic, config.AuthHeader, config.AuthPath, config.AuthQuery, config.AuthBody, config.AuthSignature}
}
