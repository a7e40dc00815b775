package admin

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/shared/stream"
)

const (
	// checkInterval is how long to wait for a message that should be there, before looking whether it still is.
	checkInterval = time.Second
	// followInterval is the same for one that may never come.
	followInterval = 10 * time.Second
	// maxChecks is how often a consumer may be silent about a message that it has, before it is given up. A busy server
	// needs seconds for a message.
	maxChecks = 5
	// maxSilent is how many consumers in a row may be.
	maxSilent = 6
)

// passage is the part of a reader's way that is still ahead.
type passage struct {
	*reader

	next   uint64 // the first sequence that was not read
	begun  bool   // something was read
	follow bool
	visit  func(*message) bool
}

// run reads with one consumer. Ended reports that nothing more is wanted; else the consumer has nothing more to give.
func (p *passage) run(ctx context.Context) (ended bool, err error) {
	consumer, err := stream.RetryUntilLeader(ctx, p.streams.core, func(ctx context.Context) (jetstream.Consumer, error) {
		return p.streams.js.OrderedConsumer(ctx, p.stream, p.config())
	})
	if err != nil {
		return false, err
	}
	defer p.forget(ctx, consumer)
	if consumer.CachedInfo().NumPending == 0 && !p.follow {
		return false, nil
	}
	messages, err := consumer.Messages()
	if err != nil {
		return false, err
	}
	defer messages.Stop()
	for {
		next, err := p.nextMessage(ctx, consumer, messages)
		if err != nil || next == nil {
			return false, err
		}
		if goOn, more, err := p.pass(next); err != nil || !goOn || !more {
			return !goOn, err
		}
	}
}

// forget takes a reader's consumer away, which the server would keep for minutes.
func (p *passage) forget(ctx context.Context, consumer jetstream.Consumer) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), checkInterval)
	defer cancel()
	_ = p.streams.js.DeleteConsumer(ctx, p.stream, consumer.CachedInfo().Name) // At worst it is kept.
}

// pass hands a message to visit where the query wants it. GoOn is false when nothing behind it is wanted, more when the
// consumer has nothing behind it.
func (p *passage) pass(next jetstream.Msg) (goOn, more bool, err error) {
	metadata, err := next.Metadata()
	if err != nil {
		return false, false, err
	}
	// Messages come in the order of their sequences and so of their times: behind the end nothing matches any more.
	behind := !p.follow && metadata.Sequence.Stream > p.last
	if behind || !p.query.Until.IsZero() && metadata.Timestamp.After(p.query.Until) {
		return false, false, nil
	}
	p.next, p.begun = metadata.Sequence.Stream+1, true
	recent := !metadata.Timestamp.Before(p.query.Since)
	if recent && !p.visit(&message{Msg: next, sequence: metadata.Sequence.Stream, stored: metadata.Timestamp}) {
		return false, false, nil
	}
	return true, p.follow || metadata.NumPending > 0, nil
}

// nextMessage waits for a message. It returns nil when the consumer has none any more, since what was counted may have
// been trimmed, and when it has one and does not send it.
func (p *passage) nextMessage(ctx context.Context, consumer jetstream.Consumer, messages jetstream.MessagesContext) (jetstream.Msg, error) {
	interval := checkInterval
	if p.follow {
		interval = followInterval
	}
	for unsent, last := 0, false; unsent < maxChecks; {
		bounded, cancel := context.WithTimeout(ctx, interval)
		next, err := messages.Next(jetstream.NextContext(bounded))
		cancel()
		if err == nil || ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded) {
			return next, err
		}
		info, err := stream.RetryUntilLeader(ctx, p.streams.core, consumer.Info)
		switch {
		case errors.Is(err, jetstream.ErrConsumerNotFound):
			return nil, nil //nolint:nilnil // Its server has restarted. Another consumer goes on.
		case err != nil:
			return nil, err
		case info.NumPending > 0:
			unsent++
		case p.follow:
		case last:
			return nil, nil //nolint:nilnil // That is the answer.
		default:
			last = true // A large one comes before the answer that nothing is left.
		}
	}
	return nil, nil //nolint:nilnil // Likewise.
}

// atEnd reports whether nothing is left to read, after a consumer came to its end. The stream's leader is asked: the
// consumer lives on any server that has a copy, which may not have heard of the newest messages.
func (p *passage) atEnd(ctx context.Context) (bool, error) {
	if p.next > p.last {
		return true, nil
	}
	wanted := stream.Lookup{Sequence: p.next, Subject: p.subject}
	if p.byTime() {
		wanted = stream.Lookup{Since: &p.query.Since, Subject: p.subject}
	}
	first, err := p.streams.core.AtLeader(ctx, p.stream, wanted)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	until := p.query.Until
	return first.Sequence > p.last || !until.IsZero() && first.Time.After(until), nil
}

// byTime reports whether it begins at the query's time: all since then is wanted, and nothing was read yet.
func (p *passage) byTime() bool {
	return !p.begun && !p.query.Since.IsZero() && p.query.Limit <= 0 && p.query.From == 0
}

// config makes the server begin at the next sequence, or at the query's time.
func (p *passage) config() jetstream.OrderedConsumerConfig {
	config := jetstream.OrderedConsumerConfig{FilterSubjects: []string{p.subject}}
	if p.byTime() {
		config.DeliverPolicy = jetstream.DeliverByStartTimePolicy
		config.OptStartTime = &p.query.Since
		return config
	}
	config.DeliverPolicy = jetstream.DeliverByStartSequencePolicy
	config.OptStartSeq = p.next
	return config
}
