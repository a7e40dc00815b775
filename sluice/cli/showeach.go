package cli

import (
	"context"
	"errors"
)

// shower shows the things of one kind that were asked for by their sequences.
type shower[T any] struct {
	// get reads one; it fails with gone where there is none, for which absent has the sentence.
	get    func(ctx context.Context, sequence uint64) (T, error)
	gone   error
	absent func(sequence uint64) error
	// document is what --json prints, write what a person reads, apart from the one before where there was one.
	document func(*T) any
	write    func(out *output, item *T, apart bool) error
}

// show writes one after the other. Those that are not there are named, and make it fail when the others are shown.
func (h shower[T]) show(ctx context.Context, s *session, sequences []uint64, asJSON bool) error {
	shown, missing := 0, false
	for _, sequence := range sequences {
		item, err := h.get(ctx, sequence)
		switch {
		case errors.Is(err, h.gone):
			s.complain("%v", h.absent(sequence))
			missing = true
			continue
		case err != nil:
			return err
		case asJSON:
			err = s.out.object(h.document(&item))
		default:
			err = h.write(s.out, &item, shown > 0)
		}
		if err != nil {
			return err
		}
		shown++
	}
	if missing {
		return errTold
	}
	return nil
}
