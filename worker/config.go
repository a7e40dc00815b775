package worker

import (
	"sluice.internal/schemas"
	"sluice.internal/shared/config"
	"sluice.internal/shared/source"
	"sluice.internal/shared/stream"
	"sluice.internal/worker/handler"
)

// FromConfig makes the settings of a checked configuration, with the handlers and schemas that are built in.
func FromConfig(cfg *config.Config) (Settings, error) {
	set, err := schemas.Load()
	if err != nil {
		return Settings{}, err
	}
	selected, err := handler.All().Select(cfg.Worker.Types...)
	if err != nil {
		return Settings{}, err
	}
	return Settings{
		Group: cfg.Worker.Group, Types: cfg.Worker.Types, NoIntake: !cfg.Worker.Intake,
		ShutdownTimeout: cfg.Worker.ShutdownTimeout, Keep: stream.KeepFrom(cfg.Streams),
		Handlers: selected, Schemas: set, Providers: source.Providers(),
	}, nil
}
