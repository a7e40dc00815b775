package cli

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"os"
	"slices"
	"strings"

	"sluice.internal/shared/source"
	"sluice.internal/shared/stream/admin"
	"sluice.internal/sluice/audit"
	"sluice.internal/sluice/cli/term"
	"sluice.internal/sluice/ledger"
)

// auditCommand is `sluice audit`: the proof from the data that nothing is lost, doubled or out of order. The accounting
// is the package audit's; this chooses what it accounts for and prints what it found.
type auditCommand struct {
	Ledger     []string `placeholder:"FILE" help:"Ledger of sluice simulate to account for as well; may be given several times."`
	Limit      int      `placeholder:"N" default:"100" help:"List at most N items of each kind, 0 all (default: ${default})."`
	Duplicates bool     `help:"Also list each duplicate with the event that it repeats."`
	JSON       bool     `name:"json" help:"Print one JSON object a line."`
	connectFlags
}

func (auditCommand) Help() string {
	return `Accounts for every stored notification and every event, and lists what is lost, doubled or out of order. ` +
		`It changes nothing, and gateways and workers may run meanwhile. The exit code is 1 when something is wrong; ` +
		`what still waits is not.

Example:

    sluice audit --ledger sent.ndjson`
}

// Validate refuses what can't be meant.
func (c *auditCommand) Validate() error {
	if c.Limit < 0 {
		return errors.New("--limit must not be negative")
	}
	return nil
}

// Run audits, prints the balance and fails when something is wrong. Ledgers are opened first: an audit of a large stream
// takes minutes, and a name that is mistyped is to be found out before.
func (c *auditCommand) Run(ctx context.Context, s *session) error {
	settings := audit.Settings{Providers: source.Providers(), Limit: c.Limit, Duplicates: c.Duplicates}
	for _, path := range c.Ledger {
		if err := checkLedger(path); err != nil {
			return err
		}
		settings.Ledgers = append(settings.Ledgers, entriesOf(path))
	}
	return c.withStreams(ctx, s, func(streams *admin.Client) error {
		progress := term.NewProgress(s.diagnostics)
		if progress.Watched() {
			settings.Watch = func(name string, read, all uint64) {
				progress.Show("%s: %d of %d read", name, read, max(read, all))
			}
		}
		report, err := audit.Run(ctx, streams, settings)
		progress.Clear()
		if err != nil {
			return err
		}
		form := auditTable
		if c.JSON {
			form = auditObjects
		}
		// The exit code says how things are, whoever reads the rest.
		if err := form(s.out, report); err != nil && !term.IsClosed(err) {
			return err
		}
		return auditError(report)
	})
}

// checkLedger opens a ledger once, so that a mistyped name is reported at once and not after minutes of reading.
func checkLedger(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("open ledger: %w", err)
	}
	return file.Close()
}

// entriesOf reads a file anew each time it is ranged over, since an audit passes over it up to twice and it may be larger
// than the memory.
func entriesOf(path string) iter.Seq2[ledger.Entry, error] {
	return func(yield func(ledger.Entry, error) bool) {
		file, err := os.Open(path)
		if err != nil {
			yield(ledger.Entry{}, fmt.Errorf("open ledger: %w", err))
			return
		}
		defer file.Close()
		for entry, err := range ledger.Read(file) {
			if err != nil {
				err = fmt.Errorf("read ledger %q: %w", path, err)
			}
			if !yield(entry, err) {
				return
			}
		}
	}
}

// auditError counts what is wrong by its kind, and says how much of it the limit left out of the list. It is nil when
// nothing is wrong: duplicates are what Sluice is there to fold, and what waits is not lost.
func auditError(report *audit.Report) error {
	if report.Wrong() == 0 {
		return nil
	}
	var kinds []string
	left := uint64(0)
	for _, what := range slices.Sorted(maps.Keys(report.Counts)) {
		if what != audit.ItemDuplicate {
			kinds = append(kinds, fmt.Sprintf("%d %s", report.Counts[what], what))
			left += report.Counts[what]
		}
	}
	for _, item := range report.Items {
		if item.What != audit.ItemDuplicate {
			left--
		}
	}
	found := fmt.Sprintf("the data is not as it should be: %s", strings.Join(kinds, ", "))
	if left > 0 {
		found += fmt.Sprintf("; %d of them are not listed, --limit 0 lists all", left)
	}
	return errors.New(found)
}
