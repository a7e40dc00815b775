package worker

import (
	"fmt"
	"os"

	"sluice.internal/schemas"
	"sluice.internal/shared/config"
	"sluice.internal/shared/source"
	"sluice.internal/shared/stream"
	"sluice.internal/worker/handler"
)

// FromConfig makes the settings of a checked configuration, with the handlers and schemas that are built in, and
// schemas of the configured folder.
func FromConfig(cfg *config.Config) (Settings, error) {
	set, err := loadSchemas(cfg.SchemasDir)
	if err != nil {
		return Settings{}, err
	}
	selected, err := handler.All().Select(cfg.Worker.Types...)
	if err != nil {
		return Settings{}, err
	}
	return Settings{
		Group: cfg.Worker.Group, Types: cfg.Worker.Types, NoIntake: !cfg.Worker.Intake, NoHandlers: !cfg.Worker.Handlers,
		Unordered: !cfg.Worker.Ordered, Concurrency: cfg.Worker.Concurrency,
		Retries:         Retries{Block: cfg.Worker.OnFailure == config.OnFailureBlock, For: cfg.Worker.RetryFor},
		ShutdownTimeout: cfg.Worker.ShutdownTimeout, Keep: stream.KeepFrom(cfg.Streams),
		Handlers: selected, Schemas: set, Providers: source.Providers(),
	}, nil
}

// loadSchemas compiles the built-in schemas with those of a folder over them; empty means without.
func loadSchemas(dir string) (*schemas.Set, error) {
	if dir == "" {
		return schemas.Load()
	}
	set, err := schemas.LoadFS(schemas.BuiltIn(), os.DirFS(dir))
	if err != nil {
		return nil, fmt.Errorf("load schemas with those of %q: %w", dir, err)
	}
	return set, nil
}
