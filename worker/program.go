package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"sluice.internal/shared/config"
	"sluice.internal/shared/metrics"
	"sluice.internal/shared/service"
	"sluice.internal/shared/source"
	"sluice.internal/shared/stream"
	"sluice.internal/worker/external"
	"sluice.internal/worker/greenapi"
	"sluice.internal/worker/handler"
)

// Setup makes the handlers of a program, with what they need: pools, clients, settings. It is called once, before anything is
// handled. An error ends the program and is printed, so that it says what to do. The context ends when the program is told to
// stop, also while Setup still runs.
type Setup func(ctx context.Context, env *Env) (*handler.Registry, error)

// Env is what a program lends to those who make its handlers.
type Env struct {
	// Log is the program's log. Handlers have one of their own in each event.
	Log *slog.Logger

	settings config.Settings
	accounts *greenapi.Accounts
	repeats  time.Duration
	metrics  *metrics.Set
	stops    []func()
}

// Config reads a section of the settings in sluice.yaml, with variables and files of secrets over it, into the struct that
// target points to. See [config.Settings.Read] for tags and types. The error names every fault with its line. A section or
// variable that no call reads ends the program, because it is most likely a mistake in a name.
func (e *Env) Config(section string, target any) error { return e.settings.Read(section, target) }

// GreenAPI returns the instances of GREEN-API in the configuration, to send with: messages, files, polls and more. The error
// names every instance whose token can't be read. Whoever only answers events by [handler.About.Reply] does not need it, but
// learns of a missing token at the first answer then.
func (e *Env) GreenAPI() (*greenapi.Accounts, error) {
	if err := e.accounts.Check(); err != nil {
		return nil, err
	}
	return e.accounts, nil
}

// ComesAgainFor returns for how long after its first try an event may come again by the configuration: replayed while it is
// stored, then tried, then kept as a dead letter. Whoever remembers the keys of events remembers them for longer. A dead letter
// that is retried and fails has the last two once more.
func (e *Env) ComesAgainFor() time.Duration { return e.repeats }

// comesAgainFor adds that up. Without a greatest age an event that was handled stays for its time at least.
func comesAgainFor(cfg *config.Config) time.Duration {
	return max(cfg.Streams.Events.Keep, cfg.Streams.Events.MaxAge) + cfg.Worker.RetryFor + cfg.Streams.DeadLetters.Keep
}

// Metrics is where handlers register metrics of their own, which are served with the others at /metrics of admin.listen. Names
// that begin with sluice_ are Sluice's. Labels must be few: no chat, no key, no instance.
func (e *Env) Metrics() prometheus.Registerer { return e.metrics.Registerer() }

// OnStop has a function called when the program ends, after the last handler has returned or was left behind, the function
// that was added last first. All of them together have worker.shutdown_timeout. They are called as well when Setup fails.
func (e *Env) OnStop(stop func()) { e.stops = append(e.stops, stop) }

// Main is the program of a worker with handlers of its own, or with the built-in ones where setup is nil: it reads command
// line, variables and sluice.yaml, works until a signal comes, and ends the process with its exit code. Providers are kinds of
// senders beside the built-in ones; the program of the gateway has to know them as well.
//
//	func main() { worker.Main(handlers) }
//
//	func handlers(ctx context.Context, env *worker.Env) (*handler.Registry, error) {
//		registry := handler.BuiltIn()
//		handler.Register(registry, "green-api", "orderPaid", orderPaid)
//		return registry, nil
//	}
func Main(setup Setup, providers ...source.Provider) {
	for _, provider := range providers {
		source.Register(provider)
	}
	Program(setup).Exit()
}

// Program is what Main runs, for those who have the process themselves. It needs no tokens of sources: what is stored was let
// in by a gateway.
func Program(setup Setup) service.Command {
	return service.Command{
		Name:  "worker",
		About: "The worker makes events of the stored notifications and hands them to the handlers of their types.",
		Flags: append([]service.Flag{
			{Name: "group", Key: "worker.group", Help: "the group whose workers share the events"},
			{Name: "types", Key: "worker.types", Help: "the types that the group handles, separated by commas; all by default"},
			{Name: "intake", Key: "worker.intake", Help: "true or false: whether this worker makes events of notifications"},
			{Name: "handlers", Key: "worker.handlers", Help: "true or false: whether this worker handles events"},
		}, service.CommonFlags()...),
		Options: config.Options{WithoutTokens: true, HandlerSecrets: true},
		Run: func(ctx context.Context, cfg *config.Config, log *slog.Logger) error {
			return runProgram(ctx, cfg, setup, log)
		},
	}
}

// runProgram works until the context ends. The connection is closed after the last acknowledgement went out, so that no event
// that was handled comes again.
func runProgram(ctx context.Context, cfg *config.Config, setup Setup, log *slog.Logger) (err error) {
	parts, stop, err := Prepare(ctx, cfg, setup, os.Environ(), log)
	if err != nil {
		return err
	}
	defer stop()
	conn, err := stream.Connect(cfg.NATS, "sluice worker "+cfg.Worker.Group, log)
	if err != nil {
		return err
	}
	defer stream.Close(conn)
	parts.Metrics.Connection(conn)
	streams, err := stream.Open(ctx, conn, cfg.Streams, log)
	if err != nil {
		return err
	}
	works, err := New(ctx, cfg, parts, streams, log)
	if err != nil {
		return fmt.Errorf("start worker: %w", err)
	}
	return service.RunWithAdmin(ctx, service.Checks{Address: cfg.Admin.Listen, Ready: streams.Ready, Metrics: parts.Metrics.Handler()}, log,
		service.Part{Name: "worker", Run: works.Run})
}

// Prepare makes the handlers of a program, for those who run a worker beside other parts in one process. Stop has to be called
// after the worker has ended. A nil setup has the built-in handlers. Those of the configuration take the place of others of the
// same type. A worker that handles nothing has none. Environ is the process's environment, for commands.
func Prepare(
	ctx context.Context, cfg *config.Config, setup Setup, environ []string, log *slog.Logger,
) (parts Parts, stop func(), err error) {
	parts.Metrics = metrics.New(service.Version())
	if !cfg.Worker.Handlers {
		return parts, func() {}, nil
	}
	env := &Env{Log: log, metrics: parts.Metrics, settings: cfg.Settings, repeats: comesAgainFor(cfg), accounts: greenapi.NewAccounts(cfg.Sources)}
	env.OnStop(env.accounts.Close)
	parts.Accounts = env.accounts
	stop = func() { env.stop(cfg.Worker.ShutdownTimeout) }
	if parts.Handlers, err = env.handlers(ctx, cfg, setup, environ); err != nil {
		stop()
		return Parts{}, nil, fmt.Errorf("set up the handlers: %w", err)
	}
	return parts, stop, nil
}

// handlers calls setup, adds what is configured, and checks that all settings have been read.
func (e *Env) handlers(ctx context.Context, cfg *config.Config, setup Setup, environ []string) (*handler.Registry, error) {
	registry := handler.BuiltIn()
	if setup != nil {
		made, err := setup(ctx, e)
		switch {
		case err != nil:
			return nil, err
		case made == nil:
			return nil, errNoRegistry
		}
		registry = made
	}
	if err := cfg.Settings.CheckAllRead(); err != nil {
		return nil, err
	}
	configured, err := external.Registry(cfg.Handlers, environ, cfg.Worker.Concurrency)
	if err != nil {
		return nil, err
	}
	registry.Include(configured)
	return registry.Select(cfg.Worker.Types...)
}

var errNoRegistry = errors.New("neither a registry nor an error was returned; return handler.BuiltIn() or handler.New()")

// stop calls what was left to be called at the end. One that hangs, such as a pool that waits for a handler that does not
// heed its time, must not keep the process.
func (e *Env) stop(timeout time.Duration) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		for _, stop := range slices.Backward(e.stops) {
			stop()
		}
	}()
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
		e.Log.Warn("what handlers left to be done at the end did not end in time", "timeout", timeout)
	}
}
