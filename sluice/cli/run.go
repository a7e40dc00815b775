// Package cli is the command line of Sluice: what operators and their scripts type.
//
// It looks at streams, sends notifications as a provider would, and explains the configuration. It knows the
// process only through what [Run] is handed, creates no streams and consumers, and runs no gateway or worker of
// its own: `sluice up` is handed in as a function.
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
)

// Process is what main hands over: the package reads nothing of the process by itself.
type Process struct {
	// Args are the arguments without the program's name.
	Args []string
	// Environ is as os.Environ returns it.
	Environ []string
	// Executable is the program's file, for a command that runs it as another process.
	Executable string

	Stdin          io.Reader
	Stdout, Stderr io.Writer

	// Abort ends the process at once; it is called at a second signal. Nil leaves all signals to the caller.
	Abort func()
	// Up is `sluice up`. It runs until the context ends or it fails, and takes care of signals by itself.
	Up func(ctx context.Context, options UpOptions) error
}

// commands is the command line.
type commands struct {
	Up         upCommand         `cmd:"" help:"Run NATS, gateway and worker in one process."`
	Send       sendCommand       `cmd:"" help:"Send notifications from files, as a provider would."`
	Simulate   simulateCommand   `cmd:"" help:"Send made-up notifications of many instances, as GREEN-API would."`
	Events     eventsCommand     `cmd:"" help:"List events: what was taken in, valid and unique."`
	Dead       deadCommand       `cmd:"" help:"List dead letters, send them through again, give them up."`
	Replay     replayCommand     `cmd:"" help:"Hand events to a group again, or post them somewhere."`
	Listen     listenCommand     `cmd:"" help:"Post events to your own program as they come."`
	Rejections rejectionsCommand `cmd:"" help:"List requests that the gateway refused, and why; let in what is right now."`
	Status     statusCommand     `cmd:"" help:"Show how full the streams are and what is not processed yet."`
	Groups     groupsCommand     `cmd:"" help:"List groups of handlers, and remove one that nobody needs."`
	Audit      auditCommand      `cmd:"" help:"Account for every notification and event: is anything lost, doubled or out of order?"`
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

// session is one command line on its way.
type session struct {
	Process

	// out is Stdout, buffered, and diagnostics is Stderr, safe for concurrent use.
	out         *output
	diagnostics io.Writer
}

// errTold is returned by a command that has said already what failed.
var errTold = errors.New("told already")

// Run executes the command line and returns the exit code: 0 for success, 1 for a failure, 2 for wrong usage. It
// returns when the command ends or, soon, when the context does.
func Run(ctx context.Context, process Process) (exitCode int) {
	if process.Abort != nil {
		defer surviveClosedPipes()()
	}
	s := &session{Process: process, out: newOutput(process.Stdout), diagnostics: &serialized{out: process.Stderr}}
	parsed, err := s.parse()
	if err != nil {
		return s.wrongUsage(err)
	}
	if parsed != nil {
		err = s.run(ctx, parsed)
	}
	if flushed := s.out.flush(); err == nil {
		err = flushed
	}
	return s.conclude(err)
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

func (s *session) wrongUsage(err error) int {
	command := "sluice"
	if parsing := (*kong.ParseError)(nil); errors.As(err, &parsing) && parsing.Context != nil {
		if selected := parsing.Context.Selected(); selected != nil {
			command = selected.FullPath()
		}
	}
	s.complain("%v", err)
	s.say("Try `%s --help`.", command)
	return service.ExitUsage
}

// conclude tells what went wrong and returns the exit code.
func (s *session) conclude(err error) int {
	var (
		faults  config.Faults
		writing *outputError
	)
	switch {
	case err == nil:
		return service.ExitOK
	case errors.As(err, &writing) && writing.closed():
		// Whoever read has seen enough, as `head` has.
		return service.ExitOK
	case errors.Is(err, errTold):
	case errors.As(err, &faults):
		s.complain("the configuration has %s:", counted(len(faults), "fault"))
		s.say("%v", faults)
		if onlyFlags(faults) {
			return service.ExitUsage
		}
	case errors.Is(err, context.Canceled):
		s.complain("interrupted")
	default:
		for line := range strings.SplitSeq(err.Error(), "\n") {
			s.complain("%s", line)
		}
	}
	return service.ExitFailed
}

// onlyFlags tells whether nothing is wrong but what was typed.
func onlyFlags(faults config.Faults) bool {
	return !slices.ContainsFunc(faults, func(fault config.Fault) bool { return !strings.HasPrefix(fault.Place, "--") })
}

// complain writes a line with the program's name, as other programs do.
func (s *session) complain(format string, args ...any) { s.say("sluice: "+format, args...) }

// say writes a line of diagnostics. When nobody reads that, there is nobody left to tell.
func (s *session) say(format string, args ...any) {
	_, _ = fmt.Fprintf(s.diagnostics, format+"\n", args...)
}

// lookup returns the value of a variable, empty when it is not set. Of several the last counts, as for exec.
func (s *session) lookup(name string) string {
	value := ""
	for _, entry := range s.Environ {
		if text, found := strings.CutPrefix(entry, name+"="); found {
			value = text
		}
	}
	return value
}

// counted is a number with its noun, as in "3 faults".
func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
