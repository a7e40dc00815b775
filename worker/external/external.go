package external

import (
	"fmt"
	"maps"
	"os/exec"
	"slices"
	"strings"

	"sluice.internal/shared/config"
	"sluice.internal/worker/handler"
)

// Registry returns the handlers that are configured. Environ is the worker's environment, of which commands get what is not
// Sluice's own; concurrency is how many handlers run at once.
func Registry(configured map[string]config.Handler, environ []string, concurrency int) (*handler.Registry, error) {
	registry := handler.New()
	left := withoutOwn(environ)
	for _, name := range slices.Sorted(maps.Keys(configured)) {
		one := configured[name]
		handle, err := newHandler(one, left, concurrency)
		if err != nil {
			return nil, fmt.Errorf("handlers.%s: %w", name, err)
		}
		var options []handler.Option
		if one.Timeout > 0 {
			options = append(options, handler.Timeout(one.Timeout))
		}
		handler.Register(registry, one.Provider, one.Type, handle, options...)
	}
	return registry, nil
}

func newHandler(one config.Handler, environ []string, concurrency int) (handler.Func, error) {
	if len(one.Exec) > 0 {
		if _, err := exec.LookPath(one.Exec[0]); err != nil {
			return nil, fmt.Errorf("exec: %w", err)
		}
		return (&command{arguments: one.Exec, environ: environ, memory: int64(one.Memory)}).handle, nil
	}
	posted, err := newEndpoint(one.URL, one.Secret.Reveal(), concurrency)
	if err != nil {
		return nil, err
	}
	return posted.handle, nil
}

// withoutOwn leaves out Sluice's variables: there are secrets among them that a handler has no business with.
func withoutOwn(environ []string) []string {
	return slices.DeleteFunc(slices.Clone(environ), func(entry string) bool { return strings.HasPrefix(entry, "SLUICE_") })
}
