package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
)

// deadChoice are the dead letters that something is done to.
type deadChoice struct {
	Sequences []uint64 `arg:"" optional:"" name:"sequence" help:"Sequence of a dead letter, as the listing has it."`
	All       bool     `help:"All dead letters, or all that the filters leave."`
	deadFilter
	Since moment `placeholder:"TIME" help:"Only what was stored since: 1h is an hour ago; or a time as in RFC 3339."`
}

// Validate refuses what can't be meant.
func (c deadChoice) Validate() error {
	filtered := c.deadFilter != deadFilter{} || c.Since != moment{}
	switch {
	case len(c.Sequences) == 0 && !c.All && filtered:
		return errors.New("filters narrow down --all: add it")
	case len(c.Sequences) == 0 && !c.All:
		return errors.New("name dead letters by their sequence, or all with --all")
	case len(c.Sequences) > 0 && (c.All || filtered):
		return errors.New("sequences go with neither --all nor a filter")
	}
	return nil
}

// gather returns the sequences of the chosen letters: those named as they were typed, all others in the order in
// which their notifications came, so that one chat's stay in order. It is done before the first of them is touched:
// what is sent through may come back as another letter.
func (c deadChoice) gather(ctx context.Context, streams *stream.Streams) ([]uint64, error) {
	if !c.All {
		return c.Sequences, nil
	}
	type place struct{ letter, notification uint64 }
	var places []place
	query := c.query()
	query.Since = c.Since.at
	for letter, err := range streams.DeadLetters(ctx, query) {
		if err != nil {
			return nil, err
		}
		places = append(places, place{letter.DeadSequence, letter.NotificationSequence})
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	slices.SortStableFunc(places, func(a, b place) int { return cmp.Compare(a.notification, b.notification) })
	sequences := make([]uint64, len(places))
	for i, place := range places {
		sequences[i] = place.letter
	}
	return sequences, nil
}

// letterTimeout bounds how long one letter may take. A store that takes longer is in trouble.
const letterTimeout = 10 * time.Second

// letterWork is what is done to dead letters, one after the other.
type letterWork struct {
	session *session
	streams *stream.Streams
	// done is the verb in its past form, as in "dropped".
	done string
	pace *pacer
	// gathered says that nobody named the letters, so that they may be gone by now.
	gathered bool
	// do is done to each letter.
	do func(context.Context, *notification.DeadLetter) error
}

// each does the work. It goes on after a letter that fails, stops when the store does, and finishes the letter that
// it has begun when it is interrupted.
func (w letterWork) each(ctx context.Context, sequences []uint64) (finished kinds, err error) {
	finished = kinds{}
	progress := newProgress(w.session.Stderr, len(sequences))
	defer progress.clear()
	failed := 0
	for i, sequence := range sequences {
		if err := w.pace.wait(ctx); err != nil {
			return finished, fmt.Errorf("interrupted: %d of %s %s", finished.sum(), counted(len(sequences), "dead letter"), w.done)
		}
		kind, err := w.one(ctx, sequence)
		if err == nil {
			finished[kind]++
			progress.show(i + 1)
			continue
		}
		if w.gathered && errors.Is(err, stream.ErrNoDeadLetter) {
			continue // Somebody else was faster.
		}
		progress.clear()
		w.session.complain("dead letter %d: %v", sequence, err)
		if errors.Is(err, stream.ErrUnavailable) || errors.Is(err, stream.ErrFull) {
			return finished, fmt.Errorf("%d of %s %s, then the store failed", finished.sum(), counted(len(sequences), "dead letter"), w.done)
		}
		failed++
	}
	if failed > 0 {
		return finished, fmt.Errorf("%d of %s not %s", failed, counted(len(sequences), "dead letter"), w.done)
	}
	return finished, nil
}

func (w letterWork) one(ctx context.Context, sequence uint64) (kind string, err error) {
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), letterTimeout)
	defer cancel()
	letter, err := w.streams.DeadLetter(bounded, sequence)
	if err != nil {
		return "", err
	}
	return letter.Type, w.do(bounded, &letter)
}
