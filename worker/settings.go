package worker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"sluice.internal/schemas"
	"sluice.internal/shared/config"
	"sluice.internal/shared/notification"
	"sluice.internal/shared/source"
	"sluice.internal/shared/stream/consume"
	"sluice.internal/worker/handler"
)

// Handlers finds the handler of an event and calls it; handler.Registry does.
type Handlers interface {
	// Handle returns whether there is a handler, and the error of its call. The context ends when its time is over.
	Handle(ctx context.Context, event notification.Event, tools handler.Tools) (handled bool, err error)
	// Timeout returns how long one call may take for events of a type, 0 for as long as is configured.
	Timeout(provider, kind string) time.Duration
	// Types are those that have a handler.
	Types() []string
}

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

// groupSettings are the shape of the group's consumers.
func groupSettings(cfg config.Worker) consume.GroupSettings {
	return consume.GroupSettings{Name: cfg.Group, Types: cfg.Types, Unordered: !cfg.Ordered}
}
