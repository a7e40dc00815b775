package bench

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"time"
)

// lab measures rows, each in a set-up of its own.
type lab struct {
	TableOptions

	log *slog.Logger
	// What others used of the processors during each measurement, and how many seconds a sync took before it: both
	// tell how far the figures are to be trusted.
	others, syncs []float64
}

// measure measures a row once. Before has what was measured until now.
func (l *lab) measure(ctx context.Context, r row, before map[row][]figures) (figures, error) {
	took, err := syncTime(l.Folder)
	if err != nil {
		return figures{}, err
	}
	l.syncs = append(l.syncs, took.Seconds())
	switch r.subject { //nolint:exhaustive // The others are alike.
	case intake:
		return l.takeIn(ctx, r)
	case inOrder, oneKilled, besideParked:
		return l.handling(ctx, r)
	case wholeWay:
		return l.through(ctx, r)
	case halfRate:
		return l.load(ctx, r, medians(before[r.full()])[answered]/2)
	default:
		return l.load(ctx, r, 0)
	}
}

// job is what a generator has to do for a row, without the address and the processes.
func (l *lab) job(r row, rate float64) job {
	return job{
		Token: hookToken, Bare: r.subject == barePublish, Connections: r.connections, Rate: rate,
		WarmUp: min(l.Duration/4, time.Second), Duration: l.Duration, Size: l.Size, Instances: l.Instances,
		Receipts: r.hasStore(), Check: r.hasStore(),
	}
}

// load sends for a while and returns what came of it.
func (l *lab) load(ctx context.Context, r row, rate float64) (f figures, err error) {
	s, err := l.setUp(ctx, r)
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, s.tearDown()) }()
	server, address, err := s.startServer(ctx, r)
	if err != nil {
		return f, err
	}
	result, err := s.send(ctx, l.job(r, rate), address)
	if err != nil {
		return f, err
	}
	f = figuresOf(result, r.hasStore())
	if server != nil {
		f[peak] = orNone(float64(result.Processes[len(result.Processes)-1].Peak) / megabyte)
	}
	return f, s.finish(server)
}

// profile is the file for a row's profile of what it is about, empty for none.
func (l *lab) profile(r row) string { return l.profileNamed(r.String()) }

// storeProfile is likewise that of the store.
func (l *lab) storeProfile(r row) string { return l.profileNamed(r.String() + " store") }

func (l *lab) profileNamed(name string) string {
	if l.Profiles == "" {
		return ""
	}
	return filepath.Join(l.Profiles, strings.ReplaceAll(strings.ReplaceAll(name, ",", ""), " ", "-")+".prof")
}
