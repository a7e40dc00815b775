package term

import (
	"context"
	"errors"
	"iter"
)

// Listing says how the items of one kind are listed.
type Listing[T any] struct {
	// None is the sentence for an empty list.
	None    string
	Columns []Column
	// Row returns the cells of the table, Document what stands for an item in JSON.
	Row      func(*T) []string
	Document func(*T) any
}

// Form is how a listing is written.
type Form struct {
	// JSON writes one object a line, otherwise it is a table.
	JSON bool
	// Follow writes each item at once. The context's end is then the end of the list.
	Follow bool
}

// Print writes items as they come until there are no more, and says so when there were none. Without Follow, a
// context that ends is an error: the list is incomplete.
func (l *Listing[T]) Print(
	ctx context.Context, out *Output, diagnostics *Diagnostics, form Form, items iter.Seq2[T, error],
) error {
	rows := NewTable(out, l.Columns...)
	write := func(item *T) error { return rows.Add(l.Row(item)...) }
	if form.JSON {
		write = func(item *T) error { return out.Object(l.Document(item)) }
	} else if form.Follow {
		if err := errors.Join(rows.HoldNone(), out.Flush()); err != nil {
			return err
		}
	}
	count, err := writeEach(out, items, form.Follow, write)
	switch ended := rows.End(); {
	case err != nil:
		return err
	case ended != nil:
		return ended
	case form.Follow:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case count == 0:
		diagnostics.Line("%s", l.None)
	}
	return nil
}

// writeEach writes items until one fails. With atOnce nobody waits for an item because the next one is late.
func writeEach[T any](out *Output, items iter.Seq2[T, error], atOnce bool, write func(*T) error) (count int, err error) {
	for item, err := range items {
		if err != nil {
			return count, err
		}
		if err := write(&item); err != nil {
			return count, err
		}
		if atOnce {
			if err := out.Flush(); err != nil {
				return count, err
			}
		}
		count++
	}
	return count, nil
}
