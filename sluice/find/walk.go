package find

import (
	"context"
	"iter"
	"math"
	"time"

	"sluice.internal/shared/stream/admin"
)

const (
	// span is how many sequences are read forwards at a time on the way back.
	span = 10_000
	// endless is behind every sequence.
	endless = math.MaxUint64
)

// walk goes through a stream from its end backwards.
type walk struct {
	Looked

	first uint64
	// next is the place behind what is still to be read.
	next uint64
	// since is before what is wanted; zero means that all is.
	since time.Time
	// visit goes through the messages of a query up to a place. It returns how many there were and when the oldest was
	// stored.
	visit func(ctx context.Context, query admin.Query, until uint64) (count uint64, oldest time.Time, err error)
}

func newWalk(name string, held admin.Extent, since time.Time) *walk {
	w := &walk{Looked: Looked{Stream: name}, first: held.First, next: held.Last + 1, since: since}
	w.Complete = w.next <= w.first
	return w
}

// step reads the next span.
func (w *walk) step(ctx context.Context) error {
	from := w.first
	if w.next > w.first+span {
		from = w.next - span
	}
	count, oldest, err := w.visit(ctx, admin.Query{From: from}, w.next)
	if err != nil {
		return err
	}
	w.Messages += count
	if !oldest.IsZero() {
		w.Back = oldest
	}
	w.next = from
	w.Complete = w.next <= w.first || !oldest.IsZero() && oldest.Before(w.since)
	return nil
}

// each visits the items of a stream that are before a place.
func each[T any](
	items iter.Seq2[T, error], until uint64, place func(*T) (sequence uint64, stored time.Time), visit func(*T),
) (count uint64, oldest time.Time, err error) {
	for item, err := range items {
		if err != nil {
			return count, oldest, err
		}
		sequence, stored := place(&item)
		if sequence >= until {
			break
		}
		if count == 0 {
			oldest = stored
		}
		count++
		visit(&item)
	}
	return count, oldest, nil
}
