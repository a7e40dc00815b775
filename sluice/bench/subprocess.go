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

	"sluice.internal/shared/config"
	"sluice.internal/shared/stream"
	"sluice.internal/sluice/bench/loadgen"
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
	Access access `json:"access"`
	// Folder and Synced are the store's.
	Folder string `json:"folder"`
	Synced bool   `json:"synced"`
	// Work is the worker's.
	Work work `json:"work"`
	// Job is the client's.
	Job loadgen.Job `json:"job"`
	// Profile is a file for a CPU profile; none when it is empty.
	Profile string `json:"profile"`

	// begin is closed when the process is told to begin with what is measured.
	begin chan struct{}
}

// access is how a process of the table reaches the store. It goes over a pipe with its password in it, which the types of
// the configuration would hide.
type access struct {
	URL, User, Password string
}

// message is what a process says on its standard output: first that it is ready, then what came of it.
type message struct {
	// Address is where it listens, a URL.
	Address  string          `json:"address,omitempty"`
	Result   *loadgen.Result `json:"result,omitempty"`
	Progress *progress       `json:"progress,omitempty"`
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

// profile writes a CPU profile until stop is called.
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

// run does what the role does until the context ends, or, for the client, until it is done.
func (s spec) run(ctx context.Context, out *json.Encoder, log *slog.Logger) error {
	switch s.Role {
	case roleStore:
		return s.runStore(ctx, out, log)
	case roleHTTP:
		return serve(ctx, out, readOnly)
	case rolePerRequest:
		return s.withStreams(ctx, log, func(streams *stream.Client) error { return serve(ctx, out, publishEach(streams)) })
	case roleGateway:
		return s.withStreams(ctx, log, func(streams *stream.Client) error { return runGateway(ctx, out, streams, log) })
	case roleWorker:
		return s.withStreams(ctx, log, func(streams *stream.Client) error { return s.runWorker(ctx, out, streams, log) })
	case roleClient:
		return s.runClient(ctx, out, log)
	default:
		return fmt.Errorf("there is no role %q", s.Role)
	}
}

// runClient sends. It needs streams for a job that publishes without HTTP or looks for what was stored.
func (s spec) runClient(ctx context.Context, out *json.Encoder, log *slog.Logger) error {
	report := func(result *loadgen.Result, err error) error {
		if err != nil {
			return err
		}
		return out.Encode(message{Result: result})
	}
	if s.Access.URL == "" {
		return report(s.Job.Run(ctx, nil, nil))
	}
	return s.withStreams(ctx, log, func(streams *stream.Client) error {
		return report(s.Job.Run(ctx, stream.NewPublisher(streams), streams.JetStream()))
	})
}

// withStreams opens the streams for use.
func (s spec) withStreams(ctx context.Context, log *slog.Logger, use func(*stream.Client) error) error {
	nats, err := config.NewNATS(s.Access.URL, s.Access.User, s.Access.Password)
	if err != nil {
		return err
	}
	conn, err := stream.Connect(nats, "sluice bench "+string(s.Role), log)
	if err != nil {
		return err
	}
	defer conn.Close()
	streams, err := stream.Open(ctx, conn, streamSettings(), log)
	if err != nil {
		return err
	}
	return use(streams)
}

// retriesMaxBytes is for some millions of parked events: a table measures how these slow others down, not how they are
// refused.
const retriesMaxBytes = 16 << 30

// streamSettings are those of all parts.
func streamSettings() config.Streams {
	streams := config.Default().Streams
	streams.Retries.MaxBytes = retriesMaxBytes
	return streams
}
