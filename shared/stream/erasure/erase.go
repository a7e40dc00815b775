package erasure

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/admin"
	"sluice.internal/shared/stream/internal/wire"
)

// addOriginal adds a notification, unless it is another one of a stream that was made anew.
func (in *FoundIn) addOriginal(ctx context.Context, streams *admin.Client, sequence uint64, receivedAt time.Time) error {
	message, err := streams.AtLeader(ctx, stream.Notifications, stream.Lookup{Sequence: sequence})
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read message %d of stream %s: %w", sequence, stream.Notifications, stream.Classify(err))
	}
	if wire.ReadTime(message.Header, wire.HeaderReceivedAt).Equal(receivedAt) {
		in.add(message)
	}
	return nil
}

// Erased says what is gone, by stream.
type Erased map[string]uint64

// Messages returns how many messages are gone.
func (e Erased) Messages() uint64 {
	sum := uint64(0)
	for _, count := range e {
		sum += count
	}
	return sum
}

// maxRounds bounds how often it looks again at what was stored meanwhile. A sender that never stops sending about the
// target would keep it busy for ever.
const maxRounds = 5

// Erase records what was found and by whom it is erased, removes it, and does the same with what was stored meanwhile. What
// it was killed at can be done again. Erased says what is gone also when there is an error: stream.ErrUnavailable,
// stream.ErrFull.
func (c *Client) Erase(ctx context.Context, found *Found, by string, watch Watch) (Erased, error) {
	erased := Erased{}
	digests, err := digestsOf(found.target)
	if err != nil {
		return erased, err
	}
	for range maxRounds {
		if found.Messages() == 0 {
			return erased, nil
		}
		if err := c.record(ctx, found, digests, by); err != nil {
			return erased, err
		}
		for i := range found.Streams {
			if err := c.remove(ctx, &found.Streams[i], erased, watch); err != nil {
				return erased, err
			}
		}
		since := found.ends
		if found, err = c.look(ctx, newMatcher(found.target, c.interpret), since, nil); err != nil {
			return erased, err
		}
	}
	return erased, nil
}

func digestsOf(target Target) ([]string, error) {
	var digests []string
	for _, id := range target.ids() {
		digest, err := Digest(id)
		if err != nil {
			return nil, err
		}
		digests = append(digests, digest)
	}
	return digests, nil
}

// maxRanges is how many ranges of sequences one record has. With the longest numbers it has 200 KiB.
const maxRanges = 5000

// maxKeys is how many keys one record has. That is about as large.
const maxKeys = 20_000

// record keeps what is to be removed before it is: something that was recorded and is still there does no harm, something
// that is gone without a record is a loss.
func (c *Client) record(ctx context.Context, found *Found, digests []string, by string) error {
	for i := range found.Streams {
		in := &found.Streams[i]
		for part := range in.Sequences.Chunks(maxRanges) {
			err := c.streams.RecordOperation(ctx, notification.Operation{
				What: notification.OperationErase, At: time.Now().UTC(), By: by, Digests: digests,
				Detail:    fmt.Sprintf("%d messages of %s", part.Len(), in.Stream),
				Sequences: map[string]notification.Sequences{in.Stream: part},
			})
			if err != nil {
				return err
			}
		}
	}
	for keys := range slices.Chunk(found.keys, maxKeys) {
		err := c.streams.RecordOperation(ctx, notification.Operation{
			What: notification.OperationErase, At: time.Now().UTC(), By: by, Digests: digests,
			Detail: fmt.Sprintf("repetitions of %d events make no event", len(keys)), Keys: notification.NewKeySet(keys),
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// remove removes what was found in a stream, and overwrites it. The newest goes first: when the event that a group has in
// its hands goes, the server hands out the next one, which is gone by then.
func (c *Client) remove(ctx context.Context, in *FoundIn, erased Erased, watch Watch) error {
	opened, err := c.streams.OpenStream(ctx, in.Stream)
	if err != nil {
		return err
	}
	done, all := uint64(0), in.Sequences.Len()
	for sequence := range in.Sequences.Backward() {
		if in.Stream == stream.Operations {
			if err := c.rewrite(ctx, sequence); err != nil {
				return err
			}
		}
		if err := c.eraseOne(ctx, opened, sequence); err != nil {
			return fmt.Errorf("erase message %d of stream %s: %w", sequence, in.Stream, err)
		}
		erased[in.Stream]++
		if done++; watch != nil {
			watch(in.Stream, done, all)
		}
	}
	return nil
}

// eraseOne removes a message and overwrites it. One that is gone already is no error.
func (c *Client) eraseOne(ctx context.Context, opened jetstream.Stream, sequence uint64) error {
	failure := c.streams.Repeat(ctx, func(ctx context.Context) error { return opened.SecureDeleteMsg(ctx, sequence) })
	if failure == nil {
		return nil
	}
	_, err := c.streams.AtLeader(ctx, opened.CachedInfo().Config.Name, stream.Lookup{Sequence: sequence})
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil
	}
	return stream.Classify(failure)
}

// rewrite stores a record of an operation again without the sentence that names somebody. What was done to which message
// is still needed.
func (c *Client) rewrite(ctx context.Context, sequence uint64) error {
	message, err := c.streams.AtLeader(ctx, stream.Operations, stream.Lookup{Sequence: sequence})
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read message %d of stream %s: %w", sequence, stream.Operations, stream.Classify(err))
	}
	operation := wire.ReadOperation(message.Data, sequence)
	operation.Detail = "erased"
	return c.streams.RecordOperation(ctx, operation)
}
