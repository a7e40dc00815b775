package gateway

import (
	"fmt"
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
		TLS: TLS{
			CertFile: cfg.Gateway.TLS.CertFile, KeyFile: cfg.Gateway.TLS.KeyFile, ClientCAFile: cfg.Gateway.TLS.ClientCAFile,
		},
		ClientCertHeader: cfg.Gateway.ClientCertHeader,
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
	proof, err := provider.ProofFor(configured)
	if err != nil {
		return Source{}, fmt.Errorf("source %q: %w", configured.Name, err)
	}
	made := Source{
		Name: configured.Name, Provider: provider, Path: configured.Path, Proof: proof,
		NoAuth:          configured.Auth == config.AuthNone,
		Observe:         configured.Mode == config.ModeObserve,
		Allow:           source.NewAllowlist(slices.Concat(configured.Prefixes, named)...),
		PublishDeadline: configured.PublishDeadline,
	}
	if provider.Configurable {
		made.Reading = source.ReadingFor(configured)
	}
	made.Secrets = source.SecretsFor(configured)
	return made, nil
}
