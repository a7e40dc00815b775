package handler

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"runtime/debug"
	"slices"
	"strings"

	"sluice.internal/shared/notification"
)

// Registry is a set of handlers, at most one for each type of each provider. It does not change and is safe for
// concurrent use. The zero value has no handlers.
type Registry struct {
	handlers map[name]invoke
}

// name tells handlers apart: two providers may call a type the same.
type name struct{ provider, kind string }

func (n name) compare(other name) int {
	return cmp.Or(cmp.Compare(n.provider, other.provider), cmp.Compare(n.kind, other.kind))
}

// All returns the handlers of this package.
func All() Registry {
	return Registry{handlers: maps.Clone(builtIn.handlers)}
}

// Select returns the handlers of the types alone, whichever provider sends them. No types mean all. The error names
// every type that has no handler, and those that have one.
func (r Registry) Select(types ...string) (Registry, error) {
	if len(types) == 0 {
		return r, nil
	}
	known := r.Types()
	unknown := slices.DeleteFunc(slices.Clone(types), func(kind string) bool { return slices.Contains(known, kind) })
	if len(unknown) > 0 {
		return Registry{}, fmt.Errorf("no handler for %q, there are handlers for %s", unknown, strings.Join(known, ", "))
	}
	selected := maps.Clone(r.handlers)
	maps.DeleteFunc(selected, func(n name, _ invoke) bool { return !slices.Contains(types, n.kind) })
	return Registry{handlers: selected}, nil
}

// Handle hands the event to the handler of its provider and type. handled is false when there is none; otherwise
// the error is the handler's verdict. A body that the handler can't read is a permanent error; a panic is logged
// with its stack and is an error like any other. Handle itself never panics.
func (r Registry) Handle(ctx context.Context, event notification.Event, tools Tools) (handled bool, err error) {
	handle, known := r.handlers[name{event.Provider, event.Type}]
	if !known {
		return false, nil
	}
	tools = tools.about(event)
	defer func() {
		if cause := recover(); cause != nil {
			handled, err = true, panicked(ctx, tools.Log, cause)
		}
	}()
	return true, handle(ctx, event, tools)
}

// panicked logs where the handler panicked. The error holds the text of the cause alone: what was thrown says
// nothing about whether another try helps.
func panicked(ctx context.Context, log *slog.Logger, cause any) error {
	text := fmt.Sprint(cause)
	log.ErrorContext(ctx, "handler panicked", "panic", text, "stack", string(debug.Stack()))
	return errors.New("handler panicked: " + text)
}

// Types returns the types that have a handler, sorted. A type that two providers have is in it once.
func (r Registry) Types() []string {
	return r.sorted(func(n name) string { return n.kind })
}

// Providers returns the providers that have a handler, sorted.
func (r Registry) Providers() []string {
	return r.sorted(func(n name) string { return n.provider })
}

// Pairs returns provider and type of every handler, sorted.
func (r Registry) Pairs() [][2]string {
	var pairs [][2]string
	for _, n := range slices.SortedFunc(maps.Keys(r.handlers), name.compare) {
		pairs = append(pairs, [2]string{n.provider, n.kind})
	}
	return pairs
}

func (r Registry) sorted(part func(name) string) []string {
	set := map[string]bool{}
	for n := range r.handlers {
		set[part(n)] = true
	}
	return slices.Sorted(maps.Keys(set))
}

// add is for the making of a registry: nobody else has it yet.
func (r Registry) add(provider, kind string, handle invoke) {
	n := name{provider, kind}
	if _, taken := r.handlers[n]; taken {
		panic(fmt.Sprintf("type %q of provider %q has two handlers", kind, provider))
	}
	r.handlers[n] = handle
}
