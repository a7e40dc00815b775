package bench

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"sluice.internal/shared/stream"
)

const (
	okStatus = http.StatusOK
	// fillers is how many publish a backlog at once, so that they share batches.
	fillers = stream.MaxBatch
)

// setup is what runs for one measurement: processes that nobody used before and a store without anything in it.
type setup struct {
	lab       *lab
	folder    string
	access    stream.Access
	processes []*process // the store first
}

// setUp starts the store, if the row needs one.
func (l *lab) setUp(ctx context.Context, r row) (*setup, error) {
	folder, err := os.MkdirTemp(l.Folder, "sluice-bench-")
	if err != nil {
		return nil, fmt.Errorf("make folder: %w", err)
	}
	s := &setup{lab: l, folder: folder}
	if !r.hasStore() {
		return s, nil
	}
	s.access = stream.Access{User: storeUser, Password: rand.Text()}
	_, said, err := s.start(ctx, spec{
		Role: roleStore, Folder: filepath.Join(folder, "nats"), Synced: r.synced, Profile: l.storeProfile(r),
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

func (s *setup) start(ctx context.Context, part spec) (*process, told, error) {
	part.Access = s.access
	p, said, err := start(ctx, s.lab.Program, part)
	if err != nil {
		return nil, told{}, err
	}
	s.processes = append(s.processes, p)
	return p, said, nil
}

// startServer starts what the row sends to. Server is nil when it sends to the store itself.
func (s *setup) startServer(ctx context.Context, r row) (server *process, address string, err error) {
	if r.server() == "" {
		return nil, "", nil
	}
	server, said, err := s.start(ctx, spec{Role: r.server(), Profile: s.lab.profile(r)})
	return server, said.Address, err
}

// send runs a generator. Its error is also about answers and a stream that are not as they should be.
func (s *setup) send(ctx context.Context, work job, address string) (*Result, error) {
	work.URL, work.Processes = address, s.pids()
	_, said, err := s.start(ctx, spec{Role: roleClient, Job: work})
	if err != nil {
		return nil, err
	}
	s.lab.others = append(s.lab.others, said.Result.Others)
	return said.Result, said.Result.Err()
}

// finish lets a process write its profile.
func (s *setup) finish(p *process) error {
	if p == nil || s.lab.Profiles == "" {
		return nil
	}
	return p.stop()
}

func (s *setup) pids() []int {
	pids := make([]int, len(s.processes))
	for i, p := range s.processes {
		pids[i] = p.pid()
	}
	return pids
}

// withStreams opens the streams for use.
func (s *setup) withStreams(ctx context.Context, use func(*stream.Streams) error) error {
	return spec{Access: s.access}.withStreams(ctx, s.lab.log, use)
}

// fill stores that many notifications.
func (s *setup) fill(ctx context.Context, count int) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return s.withStreams(ctx, func(streams *stream.Streams) error {
		run := newRun()
		failures := make([]error, fillers)
		var group sync.WaitGroup
		for i := range fillers {
			group.Go(func() {
				from := newPublisher(streams, newMessage(run, i, s.lab.Size, s.lab.Instances, noHead))
				for number := 0; number*fillers+i < count && failures[i] == nil; number++ {
					_, failures[i] = from.send(ctx, number)
				}
			})
		}
		group.Wait()
		return errors.Join(failures...)
	})
}

// syncs is how often a write is synced to see how long that takes.
const syncs = 11

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
		if _, err = file.WriteString(notificationFormat); err == nil {
			err = file.Sync()
		}
		if err != nil {
			return 0, fmt.Errorf("write to the folder: %w", err)
		}
		values[i] = float64(time.Since(begin))
	}
	return time.Duration(median(values)), nil
}
