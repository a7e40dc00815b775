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
	"time"

	"sluice.internal/shared/service"
	"sluice.internal/shared/source"
	"sluice.internal/shared/stream"
	"sluice.internal/sluice/audit"
	"sluice.internal/sluice/simulate"
)

type auditCommand struct {
	Ledger     []string `placeholder:"FILE" help:"Ledger of sluice simulate to account for as well; may be given several times."`
	Limit      int      `placeholder:"N" default:"100" help:"List at most N items of each kind, 0 all (default: ${default})."`
	Duplicates bool     `help:"Also list each duplicate with the event that it repeats."`
	JSON       bool     `name:"json" help:"Print one JSON object a line."`
	reach
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

// Run audits, prints the balance and fails when something is wrong.
func (c *auditCommand) Run(ctx context.Context, s *session) error {
	settings := audit.Settings{Providers: source.Providers(), Limit: c.Limit, Duplicates: c.Duplicates}
	for _, path := range c.Ledger {
		if err := checkLedger(path); err != nil {
			return err
		}
		settings.Ledgers = append(settings.Ledgers, ledger(path))
	}
	return c.look(ctx, s, func(streams *stream.Streams) error {
		var wipe func()
		settings.Watch, wipe = watchReading(s)
		report, err := audit.Run(ctx, streams, settings)
		wipe()
		if err != nil {
			return err
		}
		form := auditTable
		if c.JSON {
			form = auditObjects
		}
		// The exit code says how things are, whoever reads the rest.
		if err := form(s.out, report); err != nil && !isClosed(err) {
			return err
		}
		return auditVerdict(report)
	})
}

// checkLedger opens a ledger once, so that a mistyped name is told before everything is read.
func checkLedger(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("open ledger: %w", err)
	}
	return file.Close()
}

// ledger reads a file each time it is gone through.
func ledger(path string) iter.Seq2[simulate.Entry, error] {
	return func(yield func(simulate.Entry, error) bool) {
		file, err := os.Open(path)
		if err != nil {
			yield(simulate.Entry{}, fmt.Errorf("open ledger: %w", err))
			return
		}
		defer file.Close()
		for entry, err := range simulate.ReadLedger(file) {
			if err != nil {
				err = fmt.Errorf("read ledger %q: %w", path, err)
			}
			if !yield(entry, err) {
				return
			}
		}
	}
}

// watchReading tells a person at a terminal in one line what is being read. Wipe removes that line.
func watchReading(s *session) (watch func(name string, read, all uint64), wipe func()) {
	if !service.IsTerminal(s.Stderr) {
		return nil, func() {}
	}
	var told time.Time
	watch = func(name string, read, all uint64) {
		if now := time.Now(); now.Sub(told) >= progressEvery {
			told = now
			_, _ = fmt.Fprintf(s.diagnostics, "\r\x1b[K%s: %d of %d read", name, read, max(read, all))
		}
	}
	return watch, func() {
		if !told.IsZero() {
			_, _ = fmt.Fprint(s.diagnostics, "\r\x1b[K")
		}
	}
}

// auditVerdict is the error that says what is wrong, nil when nothing is.
func auditVerdict(report *audit.Report) error {
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
