package bench

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/consume"
	"sluice.internal/sluice/bench/loadgen"
)

const (
	okStatus = http.StatusOK
	// fillers is how many goroutines park events at once, so that they share batches.
	fillers = consume.MaxBatch
)

// setup is what runs for one measurement: processes that nobody used before and a store without anything in it.
type setup struct {
	runner    *runner
	folder    string
	access    access
	processes []*process // the store first
}

// setUp starts the store, if the row needs one.
func (run *runner) setUp(ctx context.Context, r row) (*setup, error) {
	folder, err := os.MkdirTemp(run.Folder, "sluice-bench-")
	if err != nil {
		return nil, fmt.Errorf("make folder: %w", err)
	}
	s := &setup{runner: run, folder: folder}
	if !r.hasStore() {
		return s, nil
	}
	s.access = access{User: storeUser, Password: rand.Text()}
	_, said, err := s.start(ctx, spec{
		Role: roleStore, Folder: filepath.Join(folder, "nats"), Synced: r.synced, Profile: run.storeProfile(r),
	})
	if err != nil {
		return nil, errors.Join(err, s.tearDown())
	}
	s.access.URL = said.Address
	return s, nil
}

// tearDown ends all processes, the last first, and removes their files: all that they held was for this. The store
// ends by itself where it has a profile to write.
func (s *setup) tearDown() error {
	var failure error
	for i := len(s.processes) - 1; i >= 0; i-- {
		if p := s.processes[i]; p.role == roleStore {
			failure = s.finish(p)
		}
		s.processes[i].kill()
	}
	return errors.Join(failure, os.RemoveAll(s.folder))
}

// start starts a process of this set-up, which tearDown ends.
func (s *setup) start(ctx context.Context, part spec) (*process, message, error) {
	part.Access = s.access
	p, said, err := start(ctx, s.runner.Program, part)
	if err != nil {
		return nil, message{}, err
	}
	s.processes = append(s.processes, p)
	return p, said, nil
}

// startServer starts what the row sends to. Server is nil when it sends to the store itself.
func (s *setup) startServer(ctx context.Context, r row) (server *process, address string, err error) {
	if r.server() == "" {
		return nil, "", nil
	}
	server, said, err := s.start(ctx, spec{Role: r.server(), Profile: s.runner.profile(r)})
	return server, said.Address, err
}

// send runs a generator. Its error is also about answers and a stream that are not as they should be.
func (s *setup) send(ctx context.Context, job loadgen.Job, address string) (*loadgen.Result, error) {
	job.URL, job.Processes = address, s.pids()
	_, said, err := s.start(ctx, spec{Role: roleClient, Job: job})
	if err != nil {
		return nil, err
	}
	s.runner.others = append(s.runner.others, said.Result.Others)
	return said.Result, said.Result.Err()
}

// finish lets a process write its profile.
func (s *setup) finish(p *process) error {
	if p == nil || s.runner.Profiles == "" {
		return nil
	}
	return p.stop()
}

// pids returns the processes that run so far, the store first: what they cost is counted, and what the generator costs,
// which is started after them, is not.
func (s *setup) pids() []int {
	pids := make([]int, len(s.processes))
	for i, p := range s.processes {
		pids[i] = p.pid()
	}
	return pids
}

// withStreams opens the streams for use.
func (s *setup) withStreams(ctx context.Context, use func(*stream.Client) error) error {
	return spec{Access: s.access}.withStreams(ctx, s.runner.log, use)
}

// fill stores that many notifications.
func (s *setup) fill(ctx context.Context, count int) error {
	return s.withStreams(ctx, func(streams *stream.Client) error {
		return loadgen.Fill(ctx, stream.NewPublisher(streams), count, s.runner.Size, s.runner.Instances)
	})
}

const (
	// syncs is how often a write is synced to see how long that takes.
	syncs = 11
	// writeSize is that of a small notification, in bytes.
	writeSize = 512
)

// syncTime returns how long a small write to the folder's disk and its sync take, the median.
func syncTime(folder string) (took time.Duration, err error) {
	file, err := os.CreateTemp(folder, "sluice-bench-")
	if err != nil {
		return 0, fmt.Errorf("write to the folder: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close(), os.Remove(file.Name())) }()
	values := make([]float64, syncs)
	for i := range values {
		begin := time.Now()
		if _, err = file.Write(make([]byte, writeSize)); err == nil {
			err = file.Sync()
		}
		if err != nil {
			return 0, fmt.Errorf("write to the folder: %w", err)
		}
		values[i] = float64(time.Since(begin))
	}
	return time.Duration(median(values)), nil
}
