package position

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/internal/wire"
)

// allEvents are those of all sources, types and instances.
const allEvents = "events.>"

// Filter says which events are for a bot.
type Filter struct {
	Source, Instance string
	// Types are the types that it gets; none means all.
	Types []string
}

// subjects are those of the events. Types that make the same token are taken for one, see wire.Token.
func (f Filter) subjects() []string {
	if len(f.Types) == 0 {
		return []string{wire.EventFilter(f.Source, "", f.Instance)}
	}
	subjects := make([]string, len(f.Types))
	for i, kind := range f.Types {
		subjects[i] = wire.EventFilter(f.Source, kind, f.Instance)
	}
	return subjects
}

// Next returns the first event behind a sequence that is for the bot, nil when there is none. In a cluster it may not see
// an event that was stored a moment ago.
func (c *Client) Next(ctx context.Context, filter Filter, after uint64) (*notification.Event, error) {
	ctx, cancel := context.WithTimeout(ctx, stream.LookTimeout)
	defer cancel()
	var first *nats.Msg
	var sequence uint64
	for _, subject := range filter.subjects() {
		found, at, err := c.next(ctx, subject, after, 0)
		if err != nil {
			return nil, err
		}
		if found != nil && (first == nil || at < sequence) {
			first, sequence = found, at
		}
	}
	if first == nil {
		return nil, nil //nolint:nilnil // That is the answer.
	}
	event := wire.ReadEvent(wire.HeaderValue(first.Header, jetstream.SubjectHeader), first.Header, first.Data, sequence)
	event.StoredAt = wire.ReadTime(first.Header, jetstream.TimeStampHeaer)
	return &event, nil
}

// next asks for the next message of a subject. With a batch the answer counts what follows.
func (c *Client) next(ctx context.Context, subject string, after uint64, batch int) (*nats.Msg, uint64, error) {
	answer, err := c.get(ctx, struct {
		Sequence uint64 `json:"seq"`
		Subject  string `json:"next_by_subj"`
		Batch    int    `json:"batch,omitempty"`
	}{after + 1, subject, batch})
	if err != nil {
		return nil, 0, fmt.Errorf("look for %q in stream %s: %w", subject, stream.Events, err)
	}
	if answer == nil {
		return nil, 0, nil
	}
	sequence, err := sequenceOf(answer)
	return answer, sequence, err
}

// Count returns how many events behind a sequence are for the bot.
func (c *Client) Count(ctx context.Context, filter Filter, after uint64) (count uint64, err error) {
	const pendingHeader = "Nats-Num-Pending" // NATS ADR-31: what follows the message
	for _, subject := range filter.subjects() {
		first, _, err := c.next(ctx, subject, after, 1)
		if err != nil {
			return 0, err
		}
		if first == nil {
			continue
		}
		behind, err := strconv.ParseUint(wire.HeaderValue(first.Header, pendingHeader), 10, 64)
		if err != nil {
			return 0, fmt.Errorf("count %q in stream %s: %w", subject, stream.Events, err)
		}
		count += behind + 1
	}
	return count, nil
}

// Last returns the body of the newest event that is for the bot, of the first of its types that has one; nil when there is
// none.
func (c *Client) Last(ctx context.Context, filter Filter) ([]byte, error) {
	for _, subject := range filter.subjects() {
		found, err := c.get(ctx, map[string]string{"last_by_subj": subject})
		if err != nil {
			return nil, fmt.Errorf("look for the newest %q in stream %s: %w", subject, stream.Events, err)
		}
		if found != nil {
			return found.Data, nil
		}
	}
	return nil, nil
}

// get asks any server that has the events for one of them, nil when there is none.
func (c *Client) get(ctx context.Context, which any) (*nats.Msg, error) {
	request, err := json.Marshal(which)
	if err != nil {
		return nil, err
	}
	answer, err := c.conn.RequestWithContext(ctx, jetstream.DefaultAPIPrefix+"DIRECT.GET."+stream.Events, request)
	if err != nil {
		return nil, stream.Classify(err)
	}
	const notFound = "404"
	switch status := wire.HeaderValue(answer.Header, "Status"); status {
	case "":
		return answer, nil
	case notFound:
		return nil, nil //nolint:nilnil // That is the answer.
	default:
		return nil, fmt.Errorf("%w: status %s", stream.ErrUnavailable, status)
	}
}

// End returns the sequence of the newest event, 0 when there never was one.
func (c *Client) End(ctx context.Context) (uint64, error) {
	var answer struct {
		Error *jetstream.APIError `json:"error"`
		State struct {
			Last uint64 `json:"last_seq"`
		} `json:"state"`
	}
	ctx, cancel := context.WithTimeout(ctx, stream.LookTimeout)
	defer cancel()
	err := c.ask(ctx, "STREAM.INFO."+stream.Events, struct{}{}, &answer)
	if err == nil && answer.Error != nil {
		err = answer.Error
	}
	if err != nil {
		return 0, fmt.Errorf("look at stream %s: %w", stream.Events, stream.Classify(err))
	}
	return answer.State.Last, nil
}

// Before returns the sequence behind which lie the events that were stored since a time: that of the newest event when none was.
func (c *Client) Before(ctx context.Context, since time.Time) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, stream.LookTimeout)
	defer cancel()
	first, err := c.get(ctx, struct {
		Since   time.Time `json:"start_time"`
		Subject string    `json:"next_by_subj"`
	}{since, allEvents})
	if err != nil {
		return 0, fmt.Errorf("look for events since %s in stream %s: %w", since.Format(time.RFC3339), stream.Events, err)
	}
	if first == nil {
		return c.End(ctx)
	}
	sequence, err := sequenceOf(first)
	return max(sequence, 1) - 1, err
}

// sequenceOf reads the sequence of a message that was asked for.
func sequenceOf(answer *nats.Msg) (uint64, error) {
	sequence, err := strconv.ParseUint(wire.HeaderValue(answer.Header, jetstream.SequenceHeader), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("an answer of stream %s has no sequence: %w", stream.Events, err)
	}
	return sequence, nil
}

// Watch tells when an event of the instance is on its way into the store, for who waits for one. It may be told before the
// event can be read, and of events that are refused then, so that it is a reason to look and no more. Stop ends it.
func (c *Client) Watch(ctx context.Context, filter Filter) (coming <-chan struct{}, stop func(), err error) {
	signal := make(chan struct{}, 1)
	subscription, err := c.conn.Subscribe(wire.EventFilter(filter.Source, "", filter.Instance), func(*nats.Msg) {
		select {
		case signal <- struct{}{}:
		default:
		}
	})
	if err == nil {
		// Only then does the server know of it.
		if err = c.conn.FlushWithContext(ctx); err != nil {
			_ = subscription.Unsubscribe()
		}
	}
	if err != nil {
		return nil, nil, fmt.Errorf("watch events of instance %s: %w", filter.Instance, stream.Classify(err))
	}
	return signal, func() { _ = subscription.Unsubscribe() }, nil
}

// BotState is what the receive API says about a bot and an instance.
type BotState struct {
	Bot      string `json:"bot"`
	Source   string `json:"source"`
	Instance string `json:"instance"`
	// Types are those that the bot gets; none means all.
	Types []string `json:"types,omitempty"`
	// Keep is the age from which on events are passed over.
	Keep time.Duration `json:"keep_ns"`
	// AskedAt is when it asked last, HandedOut how often the head was handed out, Head its sequence, 0 for none.
	AskedAt   time.Time `json:"asked_at"`
	Head      uint64    `json:"head,omitempty"`
	HandedOut int       `json:"handed_out,omitempty"`
	// HeadSince is when the head was handed out first.
	HeadSince time.Time `json:"head_since,omitzero"`
}

// PublishState stores what the receive API says about a bot and an instance, in place of what it said before. It tries once.
func (c *Client) PublishState(ctx context.Context, state BotState) error {
	message, err := wire.StateMessage(wire.BotStateSubject(state.Bot, state.Instance), state)
	if err == nil {
		_, err = c.core.JetStream().PublishMsg(ctx, message)
	}
	if err != nil {
		return fmt.Errorf("publish state of bot %s: %w", state.Bot, stream.Classify(err))
	}
	return nil
}
