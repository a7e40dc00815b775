package bench

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime/pprof"

	"sluice.internal/shared/stream"
)

// role is what one process of the table does.
type role string

const (
	roleStore      role = "store"       // NATS
	roleHTTP       role = "http"        // reads the body and answers 200
	rolePerRequest role = "per-request" // publishes each request by itself
	roleGateway    role = "gateway"     // Sluice's
	roleWorker     role = "worker"      // Sluice's, with a handler that does nothing or waits
	roleClient     role = "client"      // sends, measures and checks
)

// spec is what a process of the table is told on its standard input.
type spec struct {
	Role role `json:"role"`
	// Access is where the store is; Password is also what the store asks for.
	Access stream.Access `json:"access"`
	// Folder and Synced are the store's.
	Folder string `json:"folder"`
	Synced bool   `json:"synced"`
	// Work is the worker's.
	Work work `json:"work"`
	// Job is the client's.
	Job job `json:"job"`
	// Profile is a file for a CPU profile; none when it is empty.
	Profile string `json:"profile"`

	// begin is closed when the process is told to begin with what is measured.
	begin chan struct{}
}

// told is what a process says on its standard output: first that it is ready, then what came of it.
type told struct {
	// Address is where it listens, a URL.
	Address  string    `json:"address,omitempty"`
	Result   *Result   `json:"result,omitempty"`
	Progress *progress `json:"progress,omitempty"`
}

// begin is what a process is told to begin with what is measured.
type begin struct{}

// RunPart is one process of a table: it reads from in what to do and then when to begin, and ends with in, so that it
// does not outlive whoever started it.
func RunPart(ctx context.Context, in io.Reader, out io.Writer, log *slog.Logger) (err error) {
	decoder := json.NewDecoder(in)
	var s spec
	if err := decoder.Decode(&s); err != nil {
		return fmt.Errorf("read what to do: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s.begin = make(chan struct{})
	go func() {
		defer cancel() // Any end of in is the end.
		if decoder.Decode(&begin{}) == nil {
			close(s.begin)
			_, _ = io.Copy(io.Discard, in)
		}
	}()
	if s.Profile != "" {
		stop, failure := profile(s.Profile)
		if failure != nil {
			return failure
		}
		defer func() { err = cmp.Or(err, stop()) }()
	}
	return s.run(ctx, json.NewEncoder(out), log)
}

func profile(name string) (stop func() error, err error) {
	file, err := os.Create(name)
	if err == nil {
		err = pprof.StartCPUProfile(file)
	}
	if err != nil {
		return nil, fmt.Errorf("write profile: %w", err)
	}
	return func() error {
		pprof.StopCPUProfile()
		return file.Close()
	}, nil
}

func (s spec) run(ctx context.Context, out *json.Encoder, log *slog.Logger) error {
	switch s.Role {
	case roleStore:
		return s.runStore(ctx, out, log)
	case roleHTTP:
		return serve(ctx, out, readOnly)
	case rolePerRequest:
		return s.withStreams(ctx, log, func(streams *stream.Streams) error { return serve(ctx, out, publishEach(streams)) })
	case roleGateway:
		return s.withStreams(ctx, log, func(streams *stream.Streams) error { return runGateway(ctx, out, streams, log) })
	case roleWorker:
		return s.withStreams(ctx, log, func(streams *stream.Streams) error { return s.runWorker(ctx, out, streams, log) })
	case roleClient:
		result, err := s.Job.runWith(ctx, s.Access, log)
		if err != nil {
			return err
		}
		return out.Encode(told{Result: result})
	default:
		return fmt.Errorf("there is no role %q", s.Role)
	}
}

// withStreams opens the streams for use.
func (s spec) withStreams(ctx context.Context, log *slog.Logger, use func(*stream.Streams) error) error {
	conn, err := stream.Connect(s.Access, "sluice bench "+string(s.Role), log)
	if err != nil {
		return err
	}
	defer conn.Close()
	streams, err := stream.Open(ctx, conn, storeSettings(), log)
	if err != nil {
		return err
	}
	return use(streams)
}

// retriesRoom is for some millions of parked events.
const retriesRoom = 16 << 30

// storeSettings are those of all parts.
func storeSettings() stream.Settings {
	return stream.Settings{Retries: stream.Bounds{MaxBytes: retriesRoom}}
}
