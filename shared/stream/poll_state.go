package stream

import (
	"context"
	"fmt"
	"time"

	"sluice.internal/shared/stream/internal/wire"
)

// The states of polling an instance.
const (
	PollReceiving   = "receiving"   // GREEN-API answers
	PollRefused     = "refused"     // it refuses: the token, the instance, or the tariff
	PollWebhookSet  = "webhook-set" // the instance posts to a webhookUrl instead
	PollStarting    = "starting"    // the instance is starting
	PollUnavailable = "unavailable" // GREEN-API does not answer
	PollStuck       = "stuck"       // the head of the queue can't be taken out
	PollNoCapacity  = "no-capacity" // nothing can be stored here
)

// PollState is what the poller of an instance says about itself.
type PollState struct {
	Source   string `json:"source"`
	Instance string `json:"instance"`
	// State is one of the words above, Error why it is not PollReceiving.
	State string `json:"state"`
	Error string `json:"error,omitempty"`
	// Since is when the state began.
	Since time.Time `json:"since"`
	// AnsweredAt is when GREEN-API gave its last good answer, ReceivedAt when the last notification came; zero for never.
	AnsweredAt time.Time `json:"answered_at,omitzero"`
	ReceivedAt time.Time `json:"received_at,omitzero"`
	// Waiting is how many notifications wait at GREEN-API, nil where that is not known.
	Waiting *int `json:"waiting,omitempty"`
	// Pause is how long it waits before it asks again, 0 when it does not wait.
	Pause time.Duration `json:"pause_ns,omitempty"`
	// Notifications counts those that were stored since the poller began.
	Notifications uint64 `json:"notifications"`
	// Holder is the process that polls.
	Holder string `json:"holder"`
	// At is when the store took the message, by the store's clock. Only who reads it has it.
	At time.Time `json:"-"`
}

// PublishPollState stores what the poller of an instance says about itself, in place of what it said before. It tries once.
func (s *Client) PublishPollState(ctx context.Context, state PollState) error {
	message, err := wire.StateMessage(wire.PollStateSubject(state.Source, state.Instance), state)
	if err == nil {
		_, err = s.publishOnce(ctx, message)
	}
	if err != nil {
		return fmt.Errorf("publish state of instance %s: %w", state.Instance, Classify(err))
	}
	return nil
}
