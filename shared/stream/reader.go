package stream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

type reader struct {
	streams         *Streams
	stream, subject string
	query           Query
	last            uint64 // when reading began
}

// bounds returns the first and the last sequence that the query may see.
func (r *reader) bounds(ctx context.Context) (first, last uint64, err error) {
	opened, err := insist(ctx, r.streams.link, func(ctx context.Context) (jetstream.Stream, error) {
		return r.streams.js.Stream(ctx, r.stream)
	})
	if err != nil {
		return 0, 0, fmt.Errorf("open stream %s: %w", r.stream, err)
	}
	state := opened.CachedInfo().State
	first = max(state.FirstSeq, r.query.From, 1)
	if r.query.New {
		first = max(first, state.LastSeq+1)
	}
	return first, state.LastSeq, nil
}

// each calls visit with the messages from a sequence on until it returns false. Sequence 0 visits none. Without
// follow it ends behind what was there when it began.
func (r *reader) each(ctx context.Context, start uint64, follow bool, visit func(*message) bool) error {
	if start == 0 {
		return nil
	}
	consumer, err := insist(ctx, r.streams.link, func(ctx context.Context) (jetstream.Consumer, error) {
		return r.streams.js.OrderedConsumer(ctx, r.stream, r.config(start))
	})
	if err != nil {
		return fmt.Errorf("read stream %s: %w", r.stream, err)
	}
	defer r.forget(ctx, consumer)
	info := consumer.CachedInfo()
	if info.NumPending == 0 && !follow {
		return nil
	}
	messages, err := consumer.Messages()
	if err != nil {
		return fmt.Errorf("read stream %s: %w", r.stream, err)
	}
	defer messages.Stop()
	for {
		next, err := nextMessage(ctx, r.streams.link, consumer, messages, follow)
		if err != nil {
			return fmt.Errorf("read stream %s: %w", r.stream, err)
		}
		if next == nil {
			return nil
		}
		goOn, err := r.pass(next, follow, visit)
		if err != nil {
			return fmt.Errorf("read stream %s: %w", r.stream, err)
		}
		if !goOn {
			return nil
		}
	}
}

// pass hands a message to visit where the query wants it, and returns whether to go on with the next one.
func (r *reader) pass(next jetstream.Msg, follow bool, visit func(*message) bool) (goOn bool, err error) {
	metadata, err := next.Metadata()
	if err != nil {
		return false, err
	}
	behind := !follow && metadata.Sequence.Stream > r.last
	if behind || !r.query.Until.IsZero() && metadata.Timestamp.After(r.query.Until) {
		return false, nil
	}
	recent := !metadata.Timestamp.Before(r.query.Since)
	if recent && !visit(&message{Msg: next, sequence: metadata.Sequence.Stream, stored: metadata.Timestamp}) {
		return false, nil
	}
	return follow || metadata.NumPending > 0, nil
}

// forget takes a reader's consumer away, which the server would keep for minutes.
func (r *reader) forget(ctx context.Context, consumer jetstream.Consumer) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), glance)
	defer cancel()
	_ = r.streams.js.DeleteConsumer(ctx, r.stream, consumer.CachedInfo().Name) // At worst it is kept.
}

// glance is how long to wait for a message that should be there, before looking whether it still is.
const glance = time.Second

// nextMessage waits for a message. Without follow it returns nil when there is none any more: what was counted may
// have been trimmed since.
func nextMessage(
	ctx context.Context, l *link, consumer jetstream.Consumer, messages jetstream.MessagesContext, follow bool,
) (jetstream.Msg, error) {
	if follow {
		return messages.Next(jetstream.NextContext(ctx))
	}
	for {
		bounded, cancel := context.WithTimeout(ctx, glance)
		next, err := messages.Next(jetstream.NextContext(bounded))
		cancel()
		if err == nil || ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded) {
			return next, err
		}
		info, err := insist(ctx, l, consumer.Info)
		if err != nil {
			return nil, err
		}
		if info.NumPending == 0 {
			return nil, nil //nolint:nilnil // That is the answer.
		}
	}
}

// config makes the server begin at the sequence, or at the query's time where all since then is wanted.
func (r *reader) config(start uint64) jetstream.OrderedConsumerConfig {
	config := jetstream.OrderedConsumerConfig{FilterSubjects: []string{r.subject}}
	if r.query.Since.IsZero() || r.query.Limit > 0 || r.query.From > 0 {
		config.DeliverPolicy = jetstream.DeliverByStartSequencePolicy
		config.OptStartSeq = start
		return config
	}
	config.DeliverPolicy = jetstream.DeliverByStartTimePolicy
	config.OptStartTime = &r.query.Since
	return config
}
