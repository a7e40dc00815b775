package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"sluice.internal/sluice/bench/loadgen"
)

// Program is how to run this program as a part of a table, see [RunPart].
type Program struct {
	Path string
	Args []string
	// Environ is as for exec.Cmd: nil means this process's.
	Environ []string
}

// TableOptions say what to measure and for how long. There are no defaults.
type TableOptions struct {
	// Program runs RunPart.
	Program Program
	// Rounds is how often each row is measured, Duration for how long; its figures are the medians.
	Rounds   int
	Duration time.Duration
	// Connections are the numbers of connections to measure with, beside one.
	Connections []int
	// Backlogs are how many notifications wait for a worker.
	Backlogs []int
	// EventRate is about how many events handlers may be expected to handle in a second: it makes the backlog of a row that
	// lasts for Duration.
	EventRate int
	// Parked is how many events wait for another attempt, beside those that are handled; 0 leaves that out.
	Parked int
	// Only leaves out rows without this text in their names.
	Only string
	// Size is that of a body in bytes, Instances how many accounts send.
	Size, Instances int
	// Folder is where the stores have their files. It is its disk that is measured. It is made if it does not exist.
	Folder string
	// Profiles is a folder for CPU profiles of stores, gateways and workers, made if it does not exist; no profiles are
	// written when it is empty.
	Profiles string
	// Out is for the table, Progress for what is being done.
	Out, Progress io.Writer
}

// check finds all faults.
func (o TableOptions) check() error {
	var faults []error
	if o.Rounds < 1 || len(o.Connections) == 0 {
		faults = append(faults, errors.New("there must be a round and a number of connections at least"))
	}
	for _, count := range o.Backlogs {
		if count < 1 {
			faults = append(faults, errors.New("a backlog must have a notification at least"))
		}
	}
	if o.EventRate < 1 {
		faults = append(faults, errors.New("handlers must be expected to handle an event a second at least"))
	}
	if o.Parked < 0 || o.Parked > maxParked {
		faults = append(faults, errors.New("there must be 0 to 10000000 parked events"))
	}
	for _, count := range o.Connections {
		faults = append(faults, loadgen.Job{Connections: count, Duration: o.Duration, Size: o.Size, Instances: o.Instances}.Validate())
	}
	return errors.Join(faults...)
}

// maxParked is what the capacity for retries allows for.
const maxParked = 10_000_000

// makeFolders makes the folders that do not exist.
func (o TableOptions) makeFolders() error {
	for _, folder := range []string{o.Folder, o.Profiles} {
		if folder == "" {
			continue
		}
		if err := os.MkdirAll(folder, folderMode); err != nil {
			return fmt.Errorf("make folder: %w", err)
		}
	}
	return nil
}

// folderMode is that of folders for files that anybody may read whom the owner lets in.
const folderMode = 0o750

// Table measures all rows, round after round, and prints one table. A figure that misses its target is no error; an
// answer that is not 200 is one, and so is one that is not in the stream exactly once.
func Table(ctx context.Context, options TableOptions) error {
	if err := options.check(); err != nil {
		return err
	}
	run := &runner{TableOptions: options, log: slog.New(slog.DiscardHandler)}
	all := only(options.Only, rows(options))
	if len(all) == 0 {
		return fmt.Errorf("no row has %q in its name", options.Only)
	}
	if err := options.makeFolders(); err != nil {
		return err
	}
	measured := map[row][]figures{}
	for round := range options.Rounds {
		for i, r := range all {
			fmt.Fprintf(options.Progress, "round %d of %d, row %d of %d: %s\n", round+1, options.Rounds, i+1, len(all), r)
			f, err := run.measure(ctx, r, measured)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err != nil {
				return fmt.Errorf("measure %s: %w", r, err)
			}
			measured[r] = append(measured[r], f)
		}
	}
	found := summary{}
	for r, rounds := range measured {
		found[r] = medians(rounds)
	}
	return run.report(all, found)
}
