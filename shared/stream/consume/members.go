package consume

import (
	"encoding/json"
	"fmt"

	"github.com/nats-io/nats.go"

	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/internal/wire"
)

// ID names this worker among those of its group.
func (g *Group) ID() string { return g.streams.process }

// Listen passes on what the group's workers tell of themselves, this one too, and calls asked whenever somebody wants to know
// it at once. Neither may block.
func (g *Group) Listen(each func(stream.WorkerState), asked func()) (stop func(), err error) {
	conn := g.streams.js.Conn()
	states, err := conn.Subscribe(wire.WorkerStates(g.settings.Name), func(message *nats.Msg) {
		var state stream.WorkerState
		if json.Unmarshal(message.Data, &state) == nil && state.Group == g.settings.Name { // Else it is nobody of ours.
			each(state)
		}
	})
	if err != nil {
		return nil, fmt.Errorf("listen to the workers of group %q: %w", g.settings.Name, err)
	}
	questions, err := conn.Subscribe(wire.AskWorkers, func(*nats.Msg) { asked() })
	if err != nil {
		_ = states.Unsubscribe() // The connection is closed.
		return nil, fmt.Errorf("listen to who asks the workers of group %q: %w", g.settings.Name, err)
	}
	return func() {
		_ = states.Unsubscribe()    // At the worst the connection is closed.
		_ = questions.Unsubscribe() // The same.
	}, nil
}

// Tell tells the state of this worker.
func (g *Group) Tell(state stream.WorkerState) error {
	data, err := json.Marshal(state)
	if err != nil {
		return err
	}
	if err := g.streams.js.Conn().Publish(wire.WorkerStates(g.settings.Name), data); err != nil {
		return fmt.Errorf("tell the state of this worker: %w", err)
	}
	return nil
}

// AskOthers asks the workers of all groups to tell their state.
func (g *Group) AskOthers() error {
	if err := g.streams.js.Conn().Publish(wire.AskWorkers, nil); err != nil {
		return fmt.Errorf("ask the other workers for their state: %w", err)
	}
	return nil
}
