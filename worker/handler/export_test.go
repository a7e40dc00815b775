package handler

import "context"

// Empty returns a registry to which tests add handlers of their own.
func Empty() Registry { return Registry{handlers: map[name]invoke{}} }

// Add registers a handler as the files of this package do, but not for everybody.
func Add[T any](r Registry, provider, kind string, handle func(context.Context, Event[T]) error) {
	r.add(provider, kind, bind(handle))
}
