package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"sluice.internal/shared/config"
	"sluice.internal/shared/service"
	"sluice.internal/sluice/cli/term"
)

// Process is what main hands over: the package reads nothing of the process by itself.
type Process struct {
	// Args are the arguments without the program's name.
	Args []string
	// Environ is as os.Environ returns it.
	Environ []string
	// Executable is the program's file, for a command that runs it as another process.
	Executable string

	// Stdin is what `sluice send -` sends. Stdout gets the result alone, Stderr everything else.
	Stdin          io.Reader
	Stdout, Stderr io.Writer

	// Abort ends the process at once; it is called at a second signal. Nil leaves all signals to the caller.
	Abort func()
	// Up is `sluice up`. It runs until the context ends or it fails, and takes care of signals by itself.
	Up func(ctx context.Context, options UpOptions) error
}

// commands is the command line. The order is that of the help: what is needed first comes first.
type commands struct {
	Up         upCommand         `cmd:"" help:"Run NATS, gateway and worker in one process."`
	New        newCommand        `cmd:"" help:"Write a module with handlers of your own."`
	Send       sendCommand       `cmd:"" help:"Send notifications from files, as a provider would."`
	Simulate   simulateCommand   `cmd:"" help:"Send made-up notifications of many instances, as GREEN-API would."`
	Events     eventsCommand     `cmd:"" help:"List events: what was taken in, each once; show what is known of one."`
	Find       findCommand       `cmd:"" help:"Tell what became of a notification, by an id, a receipt, a key or a chat."`
	Dead       deadCommand       `cmd:"" help:"List dead letters, send them through again, give them up."`
	Replay     replayCommand     `cmd:"" help:"Hand events to a group again, or post them somewhere."`
	Listen     listenCommand     `cmd:"" help:"Post events to your own program as they come."`
	Rejections rejectionsCommand `cmd:"" help:"List requests that the gateway refused, and why; let in what is right now."`
	Status     statusCommand     `cmd:"" help:"Show how full the streams are and what is not processed yet."`
	Groups     groupsCommand     `cmd:"" help:"List groups of handlers, and remove one that nobody needs."`
	Bots       botsCommand       `cmd:"" help:"List programs that ask for events as they would ask GREEN-API; skip what one does not get over."`
	Regions    regionsCommand    `cmd:"" help:"Take the notifications of other places."`
	GreenAPI   greenAPICommand   `cmd:"" name:"green-api" help:"Ask GREEN-API for settings, state and queue of instances; point one at this gateway."`
	Postgres   postgresCommand   `cmd:"" help:"Print the tables of handlers in PostgreSQL."`
	Audit      auditCommand      `cmd:"" help:"Account for every notification and event: is anything lost, doubled or out of order?"`
	Forget     forgetCommand     `cmd:"" help:"Erase what is stored about a person, an account or a single event."`
	Bench      benchCommand      `cmd:"" help:"Measure how much Sluice takes in, and check that it is all there."`
	Config     configCommand     `cmd:"" help:"Check and explain the configuration."`
	Secrets    secretsCommand    `cmd:"" help:"Make and rotate what senders and the parts of a deployment log in with."`
	Version    versionCommand    `cmd:"" help:"Print the version."`
}

func (commands) Help() string {
	return `What each command needs to know it takes from its flags, else from variables, else from the ` +
		`data folder that "sluice up" leaves behind.

Example:

    sluice up`
}

// session is one command line on its way. Every command's Run gets it.
type session struct {
	Process

	// out is Stdout, buffered, and diagnostics is Stderr, safe for concurrent use.
	out         *term.Output
	diagnostics *term.Diagnostics
}

// errReported is returned by a command that has reported already what failed.
var errReported = errors.New("reported already")

// Run executes the command line and returns the exit code: 0 for success, 1 for a failure, 2 for wrong usage. It
// returns when the command ends or, soon, when the context does.
func Run(ctx context.Context, process Process) (exitCode int) {
	if process.Abort != nil {
		defer surviveClosedPipes()()
	}
	s := &session{Process: process, out: term.NewOutput(process.Stdout), diagnostics: term.NewDiagnostics(process.Stderr)}
	parsed, err := s.parse()
	if err != nil {
		return s.wrongUsage(err)
	}
	if parsed != nil {
		err = s.run(ctx, parsed)
	}
	if flushed := s.out.Flush(); err == nil {
		err = flushed
	}
	return s.exitCode(err)
}

// surviveClosedPipes makes it an error to write to a standard output whose reader is gone, as it is for other
// pipes. Without it that ends the process with a signal.
func surviveClosedPipes() (stop func()) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGPIPE)
	return func() { signal.Stop(signals) }
}

// parse reads the arguments. It returns nil when help was asked for and has been printed.
func (s *session) parse() (*kong.Context, error) {
	helped := false
	parser, err := kong.New(&commands{},
		kong.Name("sluice"),
		kong.Description("Sluice takes webhook notifications in and loses none."),
		kong.Writers(s.out, s.diagnostics),
		// Kong would end the process after help. It goes on instead, with what is then of no interest.
		kong.Exit(func(int) { helped = true }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 80}),
	)
	if err != nil {
		return nil, fmt.Errorf("build command line: %w", err)
	}
	parsed, err := parser.Parse(s.Args)
	if helped {
		return nil, nil //nolint:nilnil // There is nothing left to do.
	}
	return parsed, err
}

// run runs the command that was parsed. The first signal ends the context and with it the command; the second ends the
// process, for a command that does not heed its context in time.
func (s *session) run(ctx context.Context, parsed *kong.Context) error {
	// `sluice up` has a logger to tell of signals; here there is nobody to tell.
	if s.Abort != nil && parsed.Command() != "up" {
		var stop func()
		ctx, stop = service.WithSignals(ctx, slog.New(slog.DiscardHandler), s.Abort)
		defer stop()
	}
	parsed.BindTo(ctx, (*context.Context)(nil))
	return parsed.Run(s)
}

// wrongUsage reports what is wrong with the arguments and which help explains it, that of the command as far as it was
// recognised.
func (s *session) wrongUsage(err error) int {
	command := "sluice"
	if parsing := (*kong.ParseError)(nil); errors.As(err, &parsing) && parsing.Context != nil {
		if selected := parsing.Context.Selected(); selected != nil {
			command = selected.FullPath()
		}
	}
	s.diagnostics.Error("%v", err)
	s.diagnostics.Line("Try `%s --help`.", command)
	return service.ExitUsage
}

// exitCode reports what went wrong and returns the exit code. An error of several sentences, as errors.Join makes it, is
// several lines, each with the program's name: the lines of a log are then whole sentences.
func (s *session) exitCode(err error) int {
	var (
		faults  config.Faults
		writing *term.OutputError
	)
	switch {
	case err == nil:
		return service.ExitOK
	case errors.As(err, &writing) && writing.Closed():
		// Whoever read has seen enough, as `head` has.
		return service.ExitOK
	case errors.Is(err, errReported):
	case errors.As(err, &faults):
		s.diagnostics.Error("the configuration has %s:", term.Counted(len(faults), "fault"))
		s.diagnostics.Line("%v", faults)
		if onlyFlags(faults) {
			return service.ExitUsage
		}
	case errors.Is(err, context.Canceled):
		s.diagnostics.Error("interrupted")
	default:
		for line := range strings.SplitSeq(err.Error(), "\n") {
			s.diagnostics.Error("%s", line)
		}
	}
	return service.ExitFailed
}

// onlyFlags reports whether nothing is wrong but what was typed.
func onlyFlags(faults config.Faults) bool {
	return !slices.ContainsFunc(faults, func(fault config.Fault) bool { return !strings.HasPrefix(fault.Place, "--") })
}

// lookup returns the value of a variable, empty when it is not set.
func (s *session) lookup(name string) string { return config.Lookup(s.Environ, name) }
