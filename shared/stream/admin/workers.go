package admin

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go"

	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/internal/wire"
)

const (
	// workersTime is how long workers have to tell their state. They are asked for it, and tell it each second anyway.
	workersTime = 1500 * time.Millisecond
	// workersQuiet is how long nobody new may have told anything once somebody has, until all are believed to have.
	workersQuiet = 300 * time.Millisecond
	// maxWorkers bounds how many are listened to.
	maxWorkers = 10_000
)

// errWorkersTime ends the listening to workers.
var errWorkersTime = errors.New("the time to listen to workers is over")

// Workers asks all workers what they do and returns what they tell, by group and age. Those that do not answer within a
// moment, because they are frozen or cut off, are left out.
func (s *Client) Workers(ctx context.Context) ([]stream.WorkerState, error) {
	conn := s.js.Conn()
	messages := make(chan *nats.Msg, maxWorkers)
	subscription, err := conn.ChanSubscribe(wire.AllWorkerStates, messages)
	if err == nil {
		defer func() { _ = subscription.Unsubscribe() }() // At the worst the connection is closed.
		err = conn.Publish(wire.AskWorkers, nil)
	}
	if err != nil {
		return nil, fmt.Errorf("ask the workers for their state: %w", err)
	}
	states := map[string]stream.WorkerState{}
	// Many workers tell something all the time, so that it is never quiet for long: the end does not move.
	ctx, cancel := context.WithTimeoutCause(ctx, workersTime, errWorkersTime)
	defer cancel()
	quiet := time.NewTimer(workersTime)
	defer quiet.Stop()
	for {
		select {
		case message := <-messages:
			var state stream.WorkerState
			if json.Unmarshal(message.Data, &state) != nil {
				continue // It is nobody of ours.
			}
			if _, told := states[state.ID]; !told {
				quiet.Reset(workersQuiet)
			}
			states[state.ID] = state
		case <-quiet.C:
			return present(states), nil
		case <-ctx.Done():
			if errors.Is(context.Cause(ctx), errWorkersTime) {
				return present(states), nil
			}
			return nil, ctx.Err()
		}
	}
}

// present are the states of those that have not said that they leave, by group and age.
func present(states map[string]stream.WorkerState) []stream.WorkerState {
	list := make([]stream.WorkerState, 0, len(states))
	for _, state := range states {
		if !state.Leaving {
			list = append(list, state)
		}
	}
	slices.SortFunc(list, func(a, b stream.WorkerState) int {
		return cmp.Or(cmp.Compare(a.Group, b.Group), a.StartedAt.Compare(b.StartedAt), cmp.Compare(a.ID, b.ID))
	})
	return list
}

// addWorkers adds to each group what its workers tell. Where none tells anything, whether somebody asks for events says
// whether there are any: an older worker tells nothing.
func (status *Status) addWorkers(states []stream.WorkerState) {
	for i := range status.Groups {
		group := &status.Groups[i]
		for _, state := range states {
			if state.Group == group.Name {
				group.Members = append(group.Members, state)
			}
		}
		if len(group.Members) > 0 {
			group.Workers = len(group.Members)
		}
	}
}
