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
	known := make(map[string]config.Provider, len(registry))
	for name, provider := range registry {
		known[name] = config.Provider{
			Path: provider.Path, PublishTimeout: provider.PublishTimeout,
			BodyLimit: config.Size(provider.bodyLimit()), Lists: slices.Sorted(maps.Keys(provider.Addresses)),
			Auth: provider.auth(), Auths: provider.auths(), GivesSecret: provider.GivesSecret, Check: provider.check,
			HTTPAPI: provider.HTTPAPI,
		}
	}
	return known
}

// auth returns how the configuration calls the provider's own proof.
func (p Provider) auth() string {
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

// auths returns the ways that a source may choose instead of the provider's own.
func (p Provider) auths() []string {
	if !p.Configurable {
		return nil
	}
	return []string{config.AuthBasic, config.AuthHeader, config.AuthPath, config.AuthQuery, config.AuthBody, config.AuthSignature}
}
