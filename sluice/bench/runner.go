package bench

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"time"

	"sluice.internal/sluice/bench/loadgen"
)

// runner measures rows, each in a set-up of its own.
type runner struct {
	TableOptions

	log *slog.Logger
	// What others used of the processors during each measurement, and how many seconds a sync took before it: both
	// tell how far the figures are to be trusted.
	others, syncs []float64
}

// measure measures a row once. Before has what was measured until now.
func (run *runner) measure(ctx context.Context, r row, before map[row][]figures) (figures, error) {
	took, err := syncTime(run.Folder)
	if err != nil {
		return figures{}, err
	}
	run.syncs = append(run.syncs, took.Seconds())
	switch r.subject { //nolint:exhaustive // The others are alike.
	case intake:
		return run.measureIntake(ctx, r)
	case inOrder, manyChats, oneKilled, besideParked:
		return run.measureHandlers(ctx, r)
	case endToEnd:
		return run.measureEndToEnd(ctx, r)
	case halfRate:
		return run.measureLoad(ctx, r, medians(before[r.full()])[answered]/2)
	default:
		return run.measureLoad(ctx, r, 0)
	}
}

// job is what a generator has to do for a row, without the address and the processes.
func (run *runner) job(r row, rate float64) loadgen.Job {
	return loadgen.Job{
		Token: hookToken, Bare: r.subject == barePublish, Connections: r.connections, Rate: rate,
		WarmUp: min(run.Duration/4, time.Second), Duration: run.Duration, Size: run.Size, Instances: run.Instances,
		Receipts: r.hasStore(), Check: r.hasStore(),
	}
}

// measureLoad sends for a while and returns what came of it.
func (run *runner) measureLoad(ctx context.Context, r row, rate float64) (f figures, err error) {
	s, err := run.setUp(ctx, r)
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, s.tearDown()) }()
	server, address, err := s.startServer(ctx, r)
	if err != nil {
		return f, err
	}
	result, err := s.send(ctx, run.job(r, rate), address)
	if err != nil {
		return f, err
	}
	f = figuresOf(result, r.hasStore())
	if server != nil {
		f[peak] = orNone(float64(result.Processes[len(result.Processes)-1].Peak) / loadgen.Megabyte)
	}
	return f, s.finish(server)
}

// profile is the file for a row's profile of what it is about, empty for none.
func (run *runner) profile(r row) string { return run.profileNamed(r.String()) }

// storeProfile is likewise that of the store.
func (run *runner) storeProfile(r row) string { return run.profileNamed(r.String() + " store") }

func (run *runner) profileNamed(name string) string {
	if run.Profiles == "" {
		return ""
	}
	return filepath.Join(run.Profiles, strings.ReplaceAll(strings.ReplaceAll(name, ",", ""), " ", "-")+".prof")
}
