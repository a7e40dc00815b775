// Package worker takes raw notifications in, makes events of the valid ones, and hands events to the handlers of
// their types. Any number of workers may run: what each does is divided by the streams.
package worker

import (
	"context"
	"errors"
	"time"

	"sluice.internal/schemas"
	"sluice.internal/shared/notification"
	"sluice.internal/shared/source"
	"sluice.internal/shared/stream"
	"sluice.internal/worker/handler"
)

// Settings are what a worker is told. Zero values mean the defaults.
type Settings struct {
	// Group names the set of workers that share the events; "default" by default.
	Group string
	// Types are what the group was restricted to, nil when it was not. Handlers has no others then.
	Types []string
	// NoIntake leaves the intake of raw notifications to other workers.
	NoIntake bool
	// NoHandlers leaves the events to other workers. The worker belongs to no group then.
	NoHandlers bool
	// ShutdownTimeout is how long a stop waits for work under way; 30 s by default.
	ShutdownTimeout time.Duration
	// Unordered hands any event to whoever is free; Concurrency is how many a worker handles at once then, 16 by
	// default.
	Unordered   bool
	Concurrency int
	// Retries say what becomes of an event whose handler failed.
	Retries Retries
	// Keep is how long processed messages stay in the streams.
	Keep stream.Keep
	// Handlers do the work.
	Handlers Handlers
	// Schemas validate notifications.
	Schemas *schemas.Set
	// Providers know how to read notifications.
	Providers map[string]source.Provider
}

// Handlers finds the handler of an event and calls it; handler.Registry does.
type Handlers interface {
	// Handle returns whether there is a handler, and its verdict. It does not panic.
	Handle(ctx context.Context, event notification.Event, tools handler.Tools) (handled bool, err error)
	// Types are those that have a handler.
	Types() []string
}

const (
	defaultShutdownTimeout = 30 * time.Second
	defaultConcurrency     = 16
)

func (s Settings) group() stream.GroupSettings {
	return stream.GroupSettings{Name: s.Group, Types: s.Types, Unordered: s.Unordered}
}

// complete fills in the defaults.
func (s Settings) complete() (Settings, error) {
	if s.Schemas == nil || s.Providers == nil || s.Handlers == nil {
		return s, errors.New("make worker: handlers, schemas and providers must be given")
	}
	if s.NoIntake && s.NoHandlers {
		return s, errors.New("make worker: with worker.intake and worker.handlers both false it has nothing to do; set one to true")
	}
	if s.Group == "" {
		s.Group = "default"
	}
	if s.ShutdownTimeout == 0 {
		s.ShutdownTimeout = defaultShutdownTimeout
	}
	if s.Concurrency == 0 {
		s.Concurrency = defaultConcurrency
	}
	s.Retries = s.Retries.complete()
	return s, nil
}
