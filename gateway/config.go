package gateway

import (
	"slices"

	"sluice.internal/shared/config"
	"sluice.internal/shared/source"
)

// FromConfig makes the settings of a checked configuration.
func FromConfig(cfg *config.Config, providers map[string]source.Provider) (Settings, error) {
	settings := Settings{
		Listen:          cfg.Gateway.Listen,
		TrustedProxies:  cfg.Gateway.TrustedProxies,
		ForwardedHeader: cfg.Gateway.ForwardedHeader,
		BodyLimit:       int64(cfg.Gateway.BodyLimit),
		HeaderLimit:     int(cfg.Gateway.HeaderLimit),
		HeaderTimeout:   cfg.Gateway.HeaderTimeout,
		ReadTimeout:     cfg.Gateway.ReadTimeout,
		IdleTimeout:     cfg.Gateway.IdleTimeout,
		ShutdownTimeout: cfg.Gateway.ShutdownTimeout,
	}
	for _, configured := range cfg.Sources {
		made, err := sourceFrom(configured, providers[configured.Provider])
		if err != nil {
			return Settings{}, err
		}
		settings.Sources = append(settings.Sources, made)
	}
	return settings, nil
}

func sourceFrom(configured config.Source, provider source.Provider) (Source, error) {
	named, err := provider.NamedAddresses(configured.Lists...)
	if err != nil {
		return Source{}, err
	}
	made := Source{
		Name: configured.Name, Provider: provider, Path: configured.Path,
		NoAuth:          configured.Auth == config.AuthNone,
		Allow:           source.NewAllowlist(slices.Concat(configured.Prefixes, named)...),
		PublishDeadline: configured.PublishDeadline,
	}
	for _, token := range configured.Tokens {
		made.Tokens = append(made.Tokens, token.Reveal())
	}
	return made, nil
}
