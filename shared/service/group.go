package service

import (
	"context"
	"errors"
	"fmt"
)

// Part is something that runs until its context ends and then returns nil, having left nothing half-done.
type Part struct {
	// Name stands in front of the part's error.
	Name string
	// Run works until the context ends. To return before is a fault or the end of the work, and stops all other parts.
	Run func(ctx context.Context) error
}

// Run starts the parts in order and waits. When the context ends or one part returns, the parts are stopped in
// reverse order, each only after the one started later has returned: what takes work in stops before what does
// the work. It returns the errors of all parts, nil when none had one.
func Run(ctx context.Context, parts ...Part) error {
	ended := make(chan struct{}, len(parts))
	running := make([]*running, 0, len(parts))
	for _, part := range parts {
		running = append(running, start(ctx, part, ended))
	}
	select {
	case <-ctx.Done():
	case <-ended:
	}
	var failures []error
	for i := len(running) - 1; i >= 0; i-- {
		failures = append(failures, running[i].stop())
	}
	return errors.Join(failures...)
}

// running is a part that was started. Its result comes once.
type running struct {
	cancel context.CancelFunc
	result chan error
}

// start runs a part in a context that only stop ends, so that the end of the parent's does not stop all parts
// at the same time.
func start(parent context.Context, part Part, ended chan<- struct{}) *running {
	ctx, cancel := context.WithCancel(context.WithoutCancel(parent))
	r := &running{cancel: cancel, result: make(chan error, 1)}
	go func() {
		err := part.Run(ctx)
		if err != nil {
			err = fmt.Errorf("%s: %w", part.Name, err)
		}
		r.result <- err
		ended <- struct{}{}
	}()
	return r
}

// stop ends the part's context and waits until the part has returned, for as long as that takes: a part bounds its own stop.
func (r *running) stop() error {
	r.cancel()
	return <-r.result
}
