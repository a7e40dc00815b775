package admin

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/internal/wire"
)

// Decisions is what the intake made of notifications.
type Decisions struct {
	// Refused are the dead letters that some became.
	Refused []notification.DeadLetter
	// Waiting is how many were not taken in.
	Waiting int
}

const (
	// decisionPause is the time between two looks at the intake.
	decisionPause = 50 * time.Millisecond
	// decisionTimeout is how long the intake may take from one notification to the next. A worker at work takes milliseconds.
	decisionTimeout = 10 * time.Second
)

// AwaitDecisions blocks until the intake has decided about the notifications with these receipts, and returns what it
// refused. Since is the last dead letter that was there before they were stored: see LastDeadLetter.
//
// It waits no longer than the intake gets on with them, and not at all for a shard that no worker has ever opened; what is
// not decided then is counted as waiting. Errors: ErrUnavailable, and that of the context.
func (s *Client) AwaitDecisions(ctx context.Context, receipts []uint64, since uint64) (Decisions, error) {
	open, err := s.byShard(ctx, receipts)
	if err != nil {
		return Decisions{}, err
	}
	for progressed := time.Now(); len(open) > 0 && time.Since(progressed) < decisionTimeout; {
		consumers, err := s.core.Consumers(ctx, stream.Notifications)
		if err != nil {
			return Decisions{}, err
		}
		decided, served := settle(open, consumers)
		if !served {
			break
		}
		if decided {
			progressed = time.Now()
			continue
		}
		select {
		case <-ctx.Done():
			return Decisions{}, ctx.Err()
		case <-time.After(decisionPause):
		}
	}
	decisions := Decisions{}
	for _, waiting := range open {
		decisions.Waiting += len(waiting)
	}
	decisions.Refused, err = s.refused(ctx, receipts, since)
	return decisions, err
}

// LastDeadLetter returns the sequence of the newest dead letter that was ever stored.
func (s *Client) LastDeadLetter(ctx context.Context) (uint64, error) {
	opened, err := s.core.Stream(ctx, stream.DeadLetters)
	if err != nil {
		return 0, err
	}
	return opened.CachedInfo().State.LastSeq, nil
}

var errNoNotification = errors.New("there is no such notification")

// byShard sorts receipts into their shards. What is not kept any more was decided about.
func (s *Client) byShard(ctx context.Context, receipts []uint64) (map[int][]uint64, error) {
	shards := map[int][]uint64{}
	for _, receipt := range receipts {
		message, err := s.get(ctx, stream.Notifications, receipt, errNoNotification)
		if errors.Is(err, errNoNotification) {
			continue
		}
		if err != nil {
			return nil, err
		}
		shard := wire.NumberInSubject(message.Subject)
		shards[shard] = append(shards[shard], receipt)
	}
	return shards, nil
}

// settle takes away what the intake has acknowledged. Decided says that something was, served that somebody has opened
// every shard that is left.
func settle(open map[int][]uint64, consumers []*jetstream.ConsumerInfo) (decided, served bool) {
	served = true
	for shard, receipts := range open {
		i := slices.IndexFunc(consumers, func(info *jetstream.ConsumerInfo) bool { return info.Name == wire.IntakeName(shard) })
		if i < 0 {
			served = false
			continue
		}
		left := slices.DeleteFunc(receipts, func(receipt uint64) bool { return receipt <= consumers[i].AckFloor.Stream })
		decided = decided || len(left) < len(receipts)
		if open[shard] = left; len(left) == 0 {
			delete(open, shard)
		}
	}
	return decided, served
}

// refused returns the dead letters of notifications that were stored after another dead letter.
func (s *Client) refused(ctx context.Context, receipts []uint64, since uint64) (letters []notification.DeadLetter, err error) {
	meant := make(map[uint64]bool, len(receipts))
	for _, receipt := range receipts {
		meant[receipt] = true
	}
	for letter, err := range s.DeadLetters(ctx, Query{From: since + 1}) {
		if err != nil {
			return nil, err
		}
		if letter.Group == "" && meant[letter.NotificationSequence] {
			letter.Body = nil // Nobody asks for it, and there may be many.
			letters = append(letters, letter)
		}
	}
	return letters, ctx.Err()
}
