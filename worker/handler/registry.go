package handler

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"sluice.internal/shared/notification"
)

// Registry is a set of handlers, at most one for each type of each provider. It is filled before the worker starts; from
// then on it does not change and is safe for concurrent use. The zero value has no handlers.
type Registry struct {
	handlers   map[name]registered
	middleware []func(Func) Func // of all handlers, the outermost first
}

// Func handles an event whose body nobody has read yet: event.Body is the JSON that handlers read theirs from. It is what
// middleware is around.
type Func func(ctx context.Context, event Event[Document]) error

// registered is a handler in a registry.
type registered struct {
	handle  Func
	timeout time.Duration // 0 where the handler says nothing of it
}

// name tells handlers apart: two providers may call a type the same.
type name struct{ provider, kind string }

func (n name) compare(other name) int {
	return cmp.Or(cmp.Compare(n.provider, other.provider), cmp.Compare(n.kind, other.kind))
}

// New returns a registry without handlers.
func New() *Registry { return &Registry{handlers: map[name]registered{}} }

// BuiltIn returns the handlers of this package, in a registry that is the caller's to add to.
func BuiltIn() *Registry { return &Registry{handlers: maps.Clone(builtIn.handlers)} }

// Include adds the handlers of another registry with the middleware that they have there. Of a type that both have, the
// other's is taken.
func (r *Registry) Include(other *Registry) {
	for n, one := range other.handlers {
		one.handle = other.wrapped(one.handle)
		r.put(n, one)
	}
}

// Use puts middleware around every handler of the registry, also around those that are added later. The first one is the
// outermost. Middleware sees the event before its body is read, and the handler's verdict; it may return one itself, and
// hand on another context, another logger or more.
func (r *Registry) Use(middleware ...func(Func) Func) {
	r.middleware = append(r.middleware, middleware...)
}

// Select returns the handlers of the types alone, whichever provider sends them, with the middleware around them. No types
// mean all. The error names every type that has no handler, and those that have one.
func (r *Registry) Select(types ...string) (*Registry, error) {
	known := r.Types()
	unknown := slices.DeleteFunc(slices.Clone(types), func(kind string) bool { return slices.Contains(known, kind) })
	if len(unknown) > 0 {
		return New(), fmt.Errorf("no handler for %q, there are handlers for %s", unknown, strings.Join(known, ", "))
	}
	selected := New()
	selected.Include(r)
	if len(types) > 0 {
		maps.DeleteFunc(selected.handlers, func(n name, _ registered) bool { return !slices.Contains(types, n.kind) })
	}
	return selected, nil
}

// Handle hands the event to the handler of its provider and type. handled is false when there is none; otherwise the error
// is the handler's verdict. A body that the handler can't read is a permanent error. A panic of the handler goes through.
func (r *Registry) Handle(ctx context.Context, event notification.Event, tools Tools) (handled bool, err error) {
	one, known := r.handlers[name{event.Provider, event.Type}]
	if !known {
		return false, nil
	}
	body := Document(notification.AsJSON(event.ContentType, event.Body))
	return true, r.wrapped(one.handle)(ctx, Event[Document]{About: newAbout(event, tools.about(event)), Body: body})
}

// wrapped returns the function with the middleware around it.
func (r *Registry) wrapped(handle Func) Func {
	for _, around := range slices.Backward(r.middleware) {
		handle = around(handle)
	}
	return handle
}

// Timeout returns how long one call may take for events of a type, 0 where the handler says nothing of it.
func (r *Registry) Timeout(provider, kind string) time.Duration {
	return r.handlers[name{provider, kind}].timeout
}

// Types returns the types that have a handler, sorted. A type that two providers have is in it once.
func (r *Registry) Types() []string {
	return r.sorted(func(n name) string { return n.kind })
}

// Providers returns the providers that have a handler, sorted.
func (r *Registry) Providers() []string {
	return r.sorted(func(n name) string { return n.provider })
}

// Pairs returns provider and type of every handler, sorted.
func (r *Registry) Pairs() [][2]string {
	var pairs [][2]string
	for _, n := range slices.SortedFunc(maps.Keys(r.handlers), name.compare) {
		pairs = append(pairs, [2]string{n.provider, n.kind})
	}
	return pairs
}

func (r *Registry) sorted(part func(name) string) []string {
	set := map[string]bool{}
	for n := range r.handlers {
		set[part(n)] = true
	}
	return slices.Sorted(maps.Keys(set))
}

// put adds a handler, or takes the place of the one that is there.
func (r *Registry) put(n name, one registered) {
	if r.handlers == nil {
		r.handlers = map[name]registered{}
	}
	r.handlers[n] = one
}
