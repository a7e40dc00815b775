package bench

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"

	"sluice.internal/sluice/bench/loadgen"
)

// report prints the table and, below it, what its figures are held to.
func (run *runner) report(all []row, found summary) error {
	var text strings.Builder
	fmt.Fprintf(&text, "%s, %d processors. Medians of %d rounds of %s, bodies of %d bytes.\n"+
		"A write and its sync took %.2f ms, at most %.2f ms. Other programs used %.0f %% of the processors, at most %.0f %%.\n",
		runtime.Version(), runtime.NumCPU(), run.Rounds, run.Duration, loadgen.BodySize(run.Size),
		1000*median(slices.Clone(run.syncs)), 1000*slices.Max(run.syncs), 100*median(slices.Clone(run.others)), 100*slices.Max(run.others))
	sending := slices.DeleteFunc(slices.Clone(all), row.hasWorkers)
	working := slices.DeleteFunc(slices.Clone(all), func(r row) bool { return !r.hasWorkers() })
	writeFigures(&text, sendingColumns(), sending, found)
	writeFigures(&text, workingColumns(), working, found)
	writeExpectations(&text, expectations(run.TableOptions, found))
	if _, err := fmt.Fprint(run.Out, text.String()); err != nil {
		return fmt.Errorf("write table: %w", err)
	}
	return nil
}

// column is a figure with how many digits it has behind the point.
type column struct {
	name   string
	figure figure
	digits int
}

// sendingColumns are those of the rows in which something is sent, in their order.
func sendingColumns() []column {
	return []column{
		{"requests/s", answered, 0},
		{"p50 ms", p50, 2},
		{"p90 ms", p90, 2},
		{"p99 ms", p99, 2},
		{"p99.9 ms", p999, 2},
		{"handled/s", handled, 0},
		{"CPU s per 10,000", serverCPU, 2},
		{"of it NATS", storeCPU, 2},
		{"generator's", clientCPU, 2},
		{"peak MB", peak, 0},
	}
}

// workingColumns are those of the rows about workers alone.
func workingColumns() []column {
	return []column{
		{"events/s", accepted, 0},
		{"handled/s", handled, 0},
		{"longest silence s", silence, 1},
		{"CPU s per 10,000", serverCPU, 2},
		{"of it NATS", storeCPU, 2},
		{"peak MB", peak, 0},
		{"NATS MB", storePeak, 0},
	}
}

// writeFigures writes a table, if it has rows.
func writeFigures(text *strings.Builder, columns []column, rows []row, found summary) {
	if len(rows) == 0 {
		return
	}
	text.WriteString("\n| |")
	line := "|---|"
	for _, c := range columns {
		text.WriteString(" " + c.name + " |")
		line += "--:|"
	}
	text.WriteString("\n" + line + "\n")
	for _, r := range rows {
		text.WriteString("| " + r.String() + " |")
		for _, c := range columns {
			text.WriteString(" " + number(found[r][c.figure], c.digits) + " |")
		}
		text.WriteString("\n")
	}
}

// writeExpectations writes what the figures are held to, one a line, with whether they are so.
func writeExpectations(text *strings.Builder, all []expectation) {
	text.WriteString("\n| | figure | target | |\n|---|--:|--:|---|\n")
	for _, c := range all {
		fmt.Fprintf(text, "| %s | %s | %s | %s |\n", c.about, number(c.value, c.digits), c.target(), c.result())
	}
}

// number is a figure as text, empty when there is none.
func number(value float64, digits int) string {
	if math.IsNaN(value) {
		return ""
	}
	return fmt.Sprintf("%.*f", digits, value)
}
