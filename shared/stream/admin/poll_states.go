package admin

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/internal/wire"
)

// PollStates returns what the pollers say about each instance that is polled, or was in the last days, by source and
// instance. Streams that an older Sluice made have none.
func (s *Client) PollStates(ctx context.Context) ([]stream.PollState, error) {
	var states []stream.PollState
	all := read(ctx, s, stream.States, wire.PollStates, Query{}, func(m *message) (state stream.PollState, said bool) {
		said = json.Unmarshal(m.Data(), &state) == nil // What another program wrote counts as nothing.
		state.At = m.stored
		return state, said
	})
	for state, err := range all {
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		states = append(states, state)
	}
	slices.SortFunc(states, func(a, b stream.PollState) int {
		return strings.Compare(a.Source+"/"+a.Instance, b.Source+"/"+b.Instance)
	})
	return states, nil
}
