package loadgen

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/shared/stream"
)

// StoredCheck is what the stream holds of what was answered 200.
type StoredCheck struct {
	// Accepted is how many were answered 200, Stored how many of those are in the stream.
	Accepted int `json:"accepted"`
	Stored   int `json:"stored"`
	// Missing are not in the stream, Doubled are there more than once, Misplaced are elsewhere than their receipt
	// says.
	Missing   int `json:"missing"`
	Doubled   int `json:"doubled"`
	Misplaced int `json:"misplaced"`
	// Unanswered are in the stream though nobody was told so. That is no fault: their sender sends them again.
	Unanswered int `json:"unanswered"`
}

// Err is nil when everything that was answered 200 is in the stream exactly once.
func (v StoredCheck) Err() error {
	if v.Missing+v.Doubled+v.Misplaced == 0 {
		return nil
	}
	return fmt.Errorf("of %d notifications that were answered 200, %d are not in the stream, %d are there more than once "+
		"and %d are elsewhere than their receipts say", v.Accepted, v.Missing, v.Doubled, v.Misplaced)
}

// ledger compares receipts with a stream.
type ledger struct {
	run      string
	receipts [][]uint64 // by connection and number
	found    [][]uint64 // the first place of each, 0 where it was not found
	outcome  StoredCheck
}

func newLedger(run string, receipts [][]uint64) *ledger {
	l := &ledger{run: run, receipts: receipts, found: make([][]uint64, len(receipts))}
	for i := range receipts {
		l.found[i] = make([]uint64, len(receipts[i]))
	}
	return l
}

// see notes a message of the stream. Those of other runs do not count.
func (l *ledger) see(body []byte, sequence uint64) {
	connection, number, ok := readID(l.run, body)
	if !ok || connection >= len(l.found) || number >= len(l.found[connection]) {
		return
	}
	if l.found[connection][number] != 0 {
		l.outcome.Doubled++
		return
	}
	l.found[connection][number] = sequence
}

// close returns the outcome.
func (l *ledger) close() StoredCheck {
	for connection, receipts := range l.receipts {
		for number, receipt := range receipts {
			l.settle(receipt, l.found[connection][number])
		}
	}
	return l.outcome
}

func (l *ledger) settle(receipt, found uint64) {
	switch {
	case receipt == 0 && found != 0:
		l.outcome.Unanswered++
		return
	case receipt == 0:
		return
	case found == 0:
		l.outcome.Missing++
	case found != receipt:
		l.outcome.Misplaced++
	}
	l.outcome.Accepted++
	if found != 0 {
		l.outcome.Stored++
	}
}

// lastSequence is the place of the newest notification.
func lastSequence(ctx context.Context, js jetstream.JetStream) (uint64, error) {
	opened, err := js.Stream(ctx, stream.Notifications)
	if err != nil {
		return 0, fmt.Errorf("open stream %s: %w", stream.Notifications, err)
	}
	return opened.CachedInfo().State.LastSeq, nil
}

// read goes through the notifications behind a place.
func (l *ledger) read(ctx context.Context, js jetstream.JetStream, behind uint64) error {
	last, err := lastSequence(ctx, js)
	if err != nil || last <= behind {
		return err
	}
	consumer, err := js.OrderedConsumer(ctx, stream.Notifications, jetstream.OrderedConsumerConfig{
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: behind + 1,
	})
	if err != nil {
		return fmt.Errorf("read stream %s: %w", stream.Notifications, err)
	}
	messages, err := consumer.Messages()
	if err != nil {
		return fmt.Errorf("read stream %s: %w", stream.Notifications, err)
	}
	defer messages.Stop()
	for place := behind; place < last; {
		next, err := messages.Next(jetstream.NextContext(ctx))
		if err != nil {
			return fmt.Errorf("read stream %s: %w", stream.Notifications, err)
		}
		metadata, err := next.Metadata()
		if err != nil {
			return errors.Join(errors.New("read metadata of a notification"), err)
		}
		place = metadata.Sequence.Stream
		l.see(next.Data(), place)
	}
	return nil
}
