package worker

import (
	"sluice.internal/schemas"
	"sluice.internal/shared/config"
	"sluice.internal/shared/source"
	"sluice.internal/worker/handler"
)

// FromConfig makes the settings of a checked configuration, with the handlers and schemas that are built in.
func FromConfig(cfg config.Worker) (Settings, error) {
	set, err := schemas.Load()
	if err != nil {
		return Settings{}, err
	}
	selected, err := handler.All().Select(cfg.Types...)
	if err != nil {
		return Settings{}, err
	}
	return Settings{
		Group: cfg.Group, Types: cfg.Types, NoIntake: !cfg.Intake, ShutdownTimeout: cfg.ShutdownTimeout,
		Handlers: selected, Schemas: set, Providers: source.Providers(),
	}, nil
}
