package cli

import (
	"cmp"
	"context"
	"slices"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream/admin"
)

// deadLetterSelection chooses the dead letters that something is done to.
type deadLetterSelection struct {
	Sequences []uint64 `arg:"" optional:"" name:"sequence" help:"Sequence of a dead letter, as the listing has it."`
	All       bool     `help:"All dead letters, or all that the filters leave."`
	deadLetterFilter
	Since moment `placeholder:"TIME" help:"Only what was stored since: 1h is an hour ago; or a time as in RFC 3339."`
}

// Validate refuses what can't be meant.
func (d deadLetterSelection) Validate() error {
	return checkSelection("dead letters", d.Sequences, d.All, d.deadLetterFilter != deadLetterFilter{} || d.Since != moment{})
}

// collect returns the sequences of the selected dead letters. Those that were named stay as they were typed. All
// others are in the order in which their notifications came, so that those of one chat stay in order. It reads to the
// end before the first of them is touched: what is sent through may come back as another dead letter.
func (d deadLetterSelection) collect(ctx context.Context, streams *admin.Client) ([]uint64, error) {
	if !d.All {
		return d.Sequences, nil
	}
	type position struct{ deadLetter, notification uint64 }
	var positions []position
	query := d.query()
	query.Since = d.Since.at
	for deadLetter, err := range streams.DeadLetters(ctx, query) {
		if err != nil {
			return nil, err
		}
		positions = append(positions, position{deadLetter.DeadSequence, deadLetter.NotificationSequence})
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	slices.SortStableFunc(positions, func(a, b position) int { return cmp.Compare(a.notification, b.notification) })
	sequences := make([]uint64, len(positions))
	for i, position := range positions {
		sequences[i] = position.deadLetter
	}
	return sequences, nil
}

// batch returns what does the same to each of the selected dead letters. Each is read anew when its turn comes: it may have
// been retried or dropped by somebody else since it was collected.
func (d deadLetterSelection) batch(
	s *session, streams *admin.Client, done string, do func(context.Context, *notification.DeadLetter) error,
) *batch {
	return &batch{
		session: s, noun: "dead letter", done: done, listed: d.All, notFound: admin.ErrNoDeadLetter, missing: noDeadLetter,
		do: func(ctx context.Context, sequence uint64) (typeName string, err error) {
			deadLetter, err := streams.DeadLetter(ctx, sequence)
			if err != nil {
				return "", err
			}
			return deadLetter.Type, do(ctx, &deadLetter)
		},
	}
}
