package cli

import (
	"io"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

const (
	// heldRows is how many rows decide how wide the columns are. Holding all would fill the memory.
	heldRows = 1000
	// widestCell bounds all cells but the last, so that one odd value does not push the others off the screen.
	widestCell = 48

	gap = "  "
)

// column is a column of a table.
type column struct {
	name  string
	right bool // numbers are
	// least is the width to begin with where rows are not held.
	least int
}

// table writes rows in aligned columns below a header line. Columns get wider with what is in them, so rows that
// were written before can be narrower. What is in a cell may come from anywhere.
type table struct {
	out     io.Writer
	columns []column
	widths  []int
	held    [][]string
	flowing bool // nothing is held any more
}

func newTable(out io.Writer, columns ...column) *table {
	t := &table{out: out, columns: columns, widths: make([]int, len(columns))}
	for i, c := range columns {
		t.widths[i] = utf8.RuneCountInString(c.name)
	}
	return t
}

// add writes a row, or holds it to see how wide the columns have to be.
func (t *table) add(cells ...string) error {
	for i := range cells {
		cells[i] = t.clean(i, cells[i])
		t.widths[i] = max(t.widths[i], utf8.RuneCountInString(cells[i]))
	}
	if t.flowing {
		return t.write(cells)
	}
	if t.held = append(t.held, cells); len(t.held) < heldRows {
		return nil
	}
	return t.release()
}

// flow stops holding rows and writes the header, for rows that may be a long time in coming.
func (t *table) flow() error {
	for i, c := range t.columns {
		t.widths[i] = max(t.widths[i], c.least)
	}
	return t.release()
}

// end writes what is held. A table without rows has no header either.
func (t *table) end() error {
	if t.flowing || len(t.held) == 0 {
		return nil
	}
	return t.release()
}

func (t *table) release() error {
	t.flowing = true
	header := make([]string, len(t.columns))
	for i, c := range t.columns {
		header[i] = c.name
	}
	for _, cells := range append([][]string{header}, t.held...) {
		if err := t.write(cells); err != nil {
			return err
		}
	}
	t.held = nil
	return nil
}

func (t *table) write(cells []string) error {
	var row strings.Builder
	for i, cell := range cells {
		padding := strings.Repeat(" ", t.widths[i]-utf8.RuneCountInString(cell))
		if t.columns[i].right {
			row.WriteString(padding + cell + gap)
		} else {
			row.WriteString(cell + padding + gap)
		}
	}
	_, err := io.WriteString(t.out, strings.TrimRight(row.String(), " ")+"\n")
	return err
}

func (t *table) clean(i int, cell string) string {
	cell = printable(cell)
	if i < len(t.columns)-1 {
		cell = shorten(cell, widestCell)
	}
	if cell == "" {
		return "-"
	}
	return cell
}

// printable replaces what could move the cursor or turn the text around: senders choose what is in their
// notifications.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, text)
}

func shorten(text string, most int) string {
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return string([]rune(text)[:most-1]) + "…"
}

// when is a time for people, where they are; empty for none.
func when(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format(time.DateTime) //nolint:gosmopolitan // For people.
}
