package term

import (
	"io"
	"strings"
	"unicode/utf8"
)

const (
	// maxHeldRows is how many rows decide how wide the columns are. Holding all of them would fill the memory.
	maxHeldRows = 1000
	// maxCellWidth bounds all cells but the last, so that one odd value does not push the others off the screen.
	maxCellWidth = 48

	gap = "  "
)

// Column is a column of a table.
type Column struct {
	// Name is the heading.
	Name string
	// Right aligns to the right, as numbers are.
	Right bool
	// MinWidth is the width in runes to begin with where rows are written at once.
	MinWidth int
}

// Left is a column of text.
func Left(name string) Column { return Column{Name: name} }

// Right is a column of numbers.
func Right(name string) Column { return Column{Name: name, Right: true} }

// Table writes rows in aligned columns below a header line. Columns grow with their content, so a row that was
// written before can be narrower. Cells may hold text of strangers.
type Table struct {
	out      io.Writer
	columns  []Column
	widths   []int
	held     [][]string
	released bool // Nothing is held any more.
}

// NewTable returns a table without rows.
func NewTable(out io.Writer, columns ...Column) *Table {
	t := &Table{out: out, columns: columns, widths: make([]int, len(columns))}
	for i, c := range columns {
		t.widths[i] = utf8.RuneCountInString(c.Name)
	}
	return t
}

// Add writes a row, or holds it until enough rows show how wide the columns have to be.
func (t *Table) Add(cells ...string) error {
	for i := range cells {
		cells[i] = t.clean(i, cells[i])
		t.widths[i] = max(t.widths[i], utf8.RuneCountInString(cells[i]))
	}
	if t.released {
		return t.write(cells)
	}
	if t.held = append(t.held, cells); len(t.held) < maxHeldRows {
		return nil
	}
	return t.release()
}

// HoldNone writes the header and from then on each row at once, for rows that may be a long time in coming.
func (t *Table) HoldNone() error {
	for i, c := range t.columns {
		t.widths[i] = max(t.widths[i], c.MinWidth)
	}
	return t.release()
}

// End writes what is held. A table without rows has no header either.
func (t *Table) End() error {
	if t.released || len(t.held) == 0 {
		return nil
	}
	return t.release()
}

func (t *Table) release() error {
	t.released = true
	header := make([]string, len(t.columns))
	for i, c := range t.columns {
		header[i] = c.Name
	}
	for _, cells := range append([][]string{header}, t.held...) {
		if err := t.write(cells); err != nil {
			return err
		}
	}
	t.held = nil
	return nil
}

func (t *Table) write(cells []string) error {
	var row strings.Builder
	for i, cell := range cells {
		padding := strings.Repeat(" ", t.widths[i]-utf8.RuneCountInString(cell))
		if t.columns[i].Right {
			row.WriteString(padding + cell + gap)
		} else {
			row.WriteString(cell + padding + gap)
		}
	}
	_, err := io.WriteString(t.out, strings.TrimRight(row.String(), " ")+"\n")
	return err
}

func (t *Table) clean(i int, cell string) string {
	cell = Printable(cell)
	if i < len(t.columns)-1 {
		cell = Shorten(cell, maxCellWidth)
	}
	if cell == "" {
		return "-"
	}
	return cell
}
