package erasure

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/service"
	"sluice.internal/shared/stream"
)

// Found is what is to go.
type Found struct {
	// Streams are those that have something to go, in the order in which it is removed.
	Streams []FoundIn
	target  Target
	// keys are those of events that the store still folds repetitions into.
	keys []string
	// ends is where each stream ended when it was looked at.
	ends map[string]uint64
}

// FoundIn is what is to go from one stream.
type FoundIn struct {
	Stream    string
	Sequences notification.Sequences
	// Bytes are those of bodies and headers, about.
	Bytes uint64
	// First and Last are when the oldest and the newest was stored.
	First, Last time.Time
}

// Messages returns how many messages are to go from all streams.
func (f *Found) Messages() uint64 {
	sum := uint64(0)
	for i := range f.Streams {
		sum += f.Streams[i].Sequences.Len()
	}
	return sum
}

// Watch is told how far a look or a removal is: how many messages of a stream are done, of about how many.
type Watch func(name string, done, all uint64)

// streams are in the order in which a notification goes through them, so that what moves on meanwhile is found where it
// arrives.
func streams() []string {
	return []string{
		stream.Notifications, stream.Events, stream.Retries, stream.DeadLetters,
		stream.Rejections, stream.Objects, stream.Alerts, stream.Operations,
	}
}

// Look finds what belongs to the target in all streams. It changes nothing. It holds one batch of messages at a time, and
// the places of what it found. Errors: stream.ErrUnavailable.
func (c *Client) Look(ctx context.Context, target Target, watch Watch) (*Found, error) {
	if err := target.Check(); err != nil {
		return nil, err
	}
	return c.look(ctx, newMatcher(target, c.interpret), nil, watch)
}

// look goes through what was stored after the ends.
func (c *Client) look(ctx context.Context, m *matcher, after map[string]uint64, watch Watch) (*Found, error) {
	var err error
	if m.former, err = c.streams.Former(ctx); err != nil {
		return nil, err
	}
	found := &Found{target: m.target, ends: map[string]uint64{}}
	for _, name := range streams() {
		in, end, err := c.lookIn(ctx, m, name, after[name]+1, watch)
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			continue // Made by an earlier version, or not made yet.
		}
		if err != nil {
			return nil, err
		}
		found.ends[name] = end
		if in.Sequences.Len() > 0 {
			found.Streams = append(found.Streams, in)
		}
	}
	found.keys = m.keys
	return found, c.addOriginals(ctx, m, found)
}

const (
	// batchMessages and batchBytes bound what one request brings. One message comes in any case.
	batchMessages = 256
	batchBytes    = 4 << 20
	// batchTimeout is for a busy server. A batch that does not come is asked for again a few times.
	batchTimeout = 20 * time.Second
	maxAttempts  = 3
	// behindPause is how long to wait for a server that is behind the leader, maxBehind how often.
	behindPause = 200 * time.Millisecond
	maxBehind   = 50
)

// lookIn goes through a stream from a sequence on.
func (c *Client) lookIn(ctx context.Context, m *matcher, name string, from uint64, watch Watch) (in FoundIn, end uint64, err error) {
	opened, err := c.streams.OpenStream(ctx, name)
	if err != nil {
		return FoundIn{}, 0, err
	}
	info := opened.CachedInfo()
	state := info.State
	if name == stream.Events {
		m.remembered = info.TimeStamp.Add(-info.Config.Duplicates)
	}
	in, end = FoundIn{Stream: name}, state.LastSeq
	behind := 0
	for next, done := max(from, state.FirstSeq, 1), uint64(0); next <= end; {
		last, count, err := c.batch(ctx, name, next, func(message *jetstream.RawStreamMsg) {
			if m.matches(name, message) {
				in.add(message)
			}
		})
		if err != nil {
			return FoundIn{}, 0, fmt.Errorf("read stream %s from message %d: %w", name, next, err)
		}
		if count == 0 {
			left, err := c.leaderHas(ctx, name, next)
			if err == nil && left && behind == maxBehind {
				err = stream.ErrUnavailable
			}
			if err != nil {
				return FoundIn{}, 0, fmt.Errorf("read stream %s from message %d: %w", name, next, err)
			}
			if !left {
				break
			}
			behind++
			continue
		}
		behind = 0
		next, done = last+1, done+count
		// What is stored meanwhile is read up to here and not farther, or a busy stream would never end.
		end = max(end, last)
		if watch != nil {
			watch(name, done, max(state.Msgs, done))
		}
	}
	return in, end, nil
}

// leaderHas reports whether a stream's leader has messages from a sequence on, after a server had none: any server that has a
// copy answers, and may not have heard of the newest. It waits a moment where it is so.
func (c *Client) leaderHas(ctx context.Context, name string, from uint64) (bool, error) {
	_, err := c.streams.AtLeader(ctx, name, stream.Lookup{Sequence: from, Subject: ">"})
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return false, nil
	}
	if err != nil {
		return false, stream.Classify(err)
	}
	return true, service.Sleep(ctx, behindPause)
}

func (in *FoundIn) add(message *jetstream.RawStreamMsg) {
	in.Sequences.Add(message.Sequence)
	in.Bytes += uint64(len(message.Data))
	if in.First.IsZero() || message.Time.Before(in.First) {
		in.First = message.Time
	}
	if message.Time.After(in.Last) {
		in.Last = message.Time
	}
}

// batch calls visit with the next messages of a stream. A count of 0 means that there are none.
func (c *Client) batch(
	ctx context.Context, name string, from uint64, visit func(*jetstream.RawStreamMsg),
) (last, count uint64, err error) {
	for range maxAttempts {
		last, count, ended, err := c.ask(ctx, name, from, visit)
		if err != nil || count > 0 || ended {
			return last, count, err
		}
		// An answer that does not come looks like one that is empty.
	}
	return 0, 0, stream.ErrUnavailable
}

func (c *Client) ask(
	ctx context.Context, name string, from uint64, visit func(*jetstream.RawStreamMsg),
) (last, count uint64, ended bool, err error) {
	bounded, cancel := context.WithTimeout(ctx, batchTimeout)
	defer cancel()
	messages, err := jetstreamext.GetBatch(bounded, c.streams.JetStream(), name, batchMessages,
		jetstreamext.GetBatchSeq(from), jetstreamext.GetBatchSubject(">"), jetstreamext.GetBatchMaxBytes(batchBytes))
	if err != nil {
		return 0, 0, false, stream.Classify(err)
	}
	for message, err := range messages {
		if errors.Is(err, jetstreamext.ErrNoMessages) {
			return last, count, true, nil
		}
		if err != nil {
			return 0, 0, false, stream.Classify(err)
		}
		visit(message)
		last, count = message.Sequence, count+1
	}
	return last, count, false, ctx.Err()
}

// addOriginals adds the notifications of events that go which were not found by themselves.
func (c *Client) addOriginals(ctx context.Context, m *matcher, found *Found) error {
	if len(m.raw) == 0 {
		return nil
	}
	at := -1
	for i := range found.Streams {
		if found.Streams[i].Stream == stream.Notifications {
			at = i
		}
	}
	if at < 0 {
		found.Streams = append([]FoundIn{{Stream: stream.Notifications}}, found.Streams...)
		at = 0
	}
	opened, err := c.streams.OpenStream(ctx, stream.Notifications)
	if err != nil {
		return err
	}
	in := &found.Streams[at]
	first := opened.CachedInfo().State.FirstSeq
	for sequence, receivedAt := range m.raw {
		if sequence < first || in.Sequences.Contains(sequence) {
			continue
		}
		if err := in.addOriginal(ctx, c.streams, sequence, receivedAt); err != nil {
			return err
		}
	}
	if in.Sequences.Len() == 0 {
		found.Streams = found.Streams[1:]
	}
	return nil
}
