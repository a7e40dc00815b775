package worker

import (
	"errors"
	"fmt"
	"os"

	"sluice.internal/schemas"
	"sluice.internal/shared/config"
	"sluice.internal/shared/metrics"
	"sluice.internal/shared/source"
	"sluice.internal/worker/greenapi"
	"sluice.internal/worker/handler"
	"sluice.internal/worker/handling"
)

// Handlers finds the handler of an event and calls it; handler.Registry does.
type Handlers = handling.Handlers

// RetryDelays are the delays between the attempts of an event.
type RetryDelays = handling.RetryDelays

// DefaultRetryDelays are made for a handler that calls another service.
func DefaultRetryDelays() RetryDelays { return handling.DefaultRetryDelays() }

// Parts are what a worker is made of beside its configuration. What is left out is built in.
type Parts struct {
	// Handlers do the work; by default the built-in ones of the configured types.
	Handlers Handlers
	// Schemas validate notifications; by default the built-in ones with those of the configured folder over them.
	Schemas *schemas.Set
	// Providers know how to read notifications; by default those that are built in.
	Providers map[string]source.Provider
	// RetryDelays are the delays between attempts; by default those of DefaultRetryDelays.
	RetryDelays *RetryDelays
	// Metrics count what the worker does; nil for not at all.
	Metrics *metrics.Set
	// Accounts are what events are answered with; by default those of the configuration. Who makes them closes them.
	Accounts *greenapi.Accounts
}

// complete fills in what is built in.
func (p Parts) complete(cfg *config.Config) (Parts, error) {
	var err error
	if p.Handlers == nil {
		if p.Handlers, err = handler.BuiltIn().Select(cfg.Worker.Types...); err != nil {
			return p, err
		}
	}
	if p.Schemas == nil {
		if p.Schemas, err = loadSchemas(cfg.SchemasDir); err != nil {
			return p, err
		}
	}
	if p.Providers == nil {
		p.Providers = source.Providers()
	}
	if p.RetryDelays == nil {
		delays := DefaultRetryDelays()
		p.RetryDelays = &delays
	}
	if p.Accounts == nil {
		p.Accounts = greenapi.NewAccounts(cfg.Sources)
	}
	return p, nil
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

var errNothingToDo = errors.New("make worker: with worker.intake and worker.handlers both false it has nothing to do; set one to true")
