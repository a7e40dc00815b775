package cli

import (
	"context"
	"errors"

	"sluice.internal/sluice/cli/term"
)

// showFlags are those of every command that shows items by their sequences.
type showFlags struct {
	JSON bool `name:"json" help:"Print one JSON object a line."`
	connectFlags
}

// sequenceView shows items of one kind by their sequences.
type sequenceView[T any] struct {
	// get reads one item. It fails with notFound where there is none, for which missing has the sentence.
	get      func(ctx context.Context, sequence uint64) (T, error)
	notFound error
	missing  func(sequence uint64) error
	// document is what --json prints, write what a person reads.
	document func(*T) any
	write    func(*term.Output, *T) error
}

// show writes one item after the other. Those that do not exist are reported, and make it fail after the others.
func (v sequenceView[T]) show(ctx context.Context, s *session, sequences []uint64, asJSON bool) error {
	shown, missing := 0, false
	for _, sequence := range sequences {
		item, err := v.get(ctx, sequence)
		switch {
		case errors.Is(err, v.notFound):
			s.diagnostics.Error("%v", v.missing(sequence))
			missing = true
			continue
		case err != nil:
			return err
		case asJSON:
			err = s.out.Object(v.document(&item))
		default:
			if shown > 0 {
				_ = s.out.Line("") // An error of a line comes again with the next.
			}
			err = v.write(s.out, &item)
		}
		if err != nil {
			return err
		}
		shown++
	}
	if missing {
		return errReported
	}
	return nil
}

// shownField is a line of what a person reads about an item.
type shownField struct{ name, value string }

// writeFields writes fields below each other and leaves out those without a value. An error comes again with the
// output's next line.
func writeFields(out *term.Output, fields []shownField) {
	for _, field := range fields {
		if field.value != "" {
			_ = out.Line("  %-16s  %s", field.name, term.Printable(field.value))
		}
	}
}
