package service

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"slices"

	"sluice.internal/shared/config"
)

// The exit codes of processes. ExitUsage is for a command line that can't be read; a faulty configuration is ExitFailed.
const (
	ExitOK     = 0
	ExitFailed = 1
	ExitUsage  = 2
)

// Process is what main hands over; nothing else reads arguments or environment.
type Process struct {
	Args, Environ  []string
	Stdout, Stderr io.Writer
	// Abort ends the process at once. It is called at a second signal.
	Abort func()
}

// Command is a process of one role.
type Command struct {
	// Name is the program's, About the sentence that its help begins with.
	Name, About string
	// Flags are the command line: each sets a key of the configuration.
	Flags []Flag
	// Options say how the configuration is read; what comes from the process is filled in.
	Options config.Options
	// Run does the work until the context ends.
	Run func(ctx context.Context, cfg *config.Config, log *slog.Logger) error
}

// Flag sets a key of the configuration.
type Flag struct {
	// Name is without dashes, Key with dots, Help one sentence without a period.
	Name, Key, Help string
}

// CommonFlags are those of every program that is a part of Sluice.
func CommonFlags() []Flag {
	return []Flag{
		{Name: "nats-url", Key: "nats.url", Help: "where NATS is"},
		{Name: "admin-listen", Key: "admin.listen", Help: "the address for health checks and metrics of their own; none by default"},
		{Name: "log-level", Key: "log.level", Help: "debug, info, warn or error"},
		{Name: "log-format", Key: "log.format", Help: "text, json or auto"},
	}
}

// Variables that are no keys of the configuration: the file, and what the command sluice reads.
const (
	configVariable = "SLUICE_CONFIG"
	dataVariable   = "SLUICE_DATA"
	tokenVariable  = "SLUICE_TOKEN"
)

// Main reads command line and configuration, runs the command until it ends or a signal comes, and returns the
// exit code.
func (c Command) Main(process Process) int {
	MemoryOf(0, process.Environ).Tune(process.Environ)
	options, err := c.parse(process)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return ExitOK
	case errors.Is(err, errVersion):
		fmt.Fprintln(process.Stdout, c.Name, Version())
		return ExitOK
	case errors.Is(err, errHealthcheck):
		return c.healthcheck(process, options)
	case err != nil:
		fmt.Fprintf(process.Stderr, "%s: %v\nTry %s --help.\n", c.Name, err, c.Name)
		return ExitUsage
	}
	if err := Start(context.Background(), process, options, c.Run); err != nil {
		fmt.Fprintf(process.Stderr, "%s: %v\n", c.Name, err)
		return ExitFailed
	}
	return ExitOK
}

// Start reads the configuration, makes the logger, and calls run with a context that the first signal ends.
func Start(
	parent context.Context, process Process, options config.Options,
	run func(context.Context, *config.Config, *slog.Logger) error,
) error {
	cfg, err := config.Load(options)
	if err != nil {
		return err
	}
	log, err := NewPersonalLogger(process.Stderr, cfg.Log.Level.String(), cfg.Log.Format, cfg.Log.Personal)
	if err != nil {
		return err
	}
	memory := MemoryOf(int64(cfg.MemoryLimit), options.Environ)
	memory.Tune(options.Environ)
	cfg.MemoryLimit = config.Size(memory.Limit)
	log.Debug("memory limit", "bytes", memory.Limit, "origin", memory.Origin)
	for _, warning := range cfg.Warnings {
		log.Warn(warning)
	}
	ctx, stop := WithSignals(parent, log, process.Abort)
	defer stop()
	return run(ctx, cfg, log)
}

// errVersion is how parse says that only the version is wanted.
var errVersion = errors.New("the version was asked for")

func (c Command) parse(process Process) (config.Options, error) {
	options := c.Options
	options.Environ = process.Environ
	options.Variables = append(slices.Clone(options.Variables), configVariable, dataVariable, tokenVariable)
	options.File = config.Lookup(process.Environ, configVariable)
	options.Flags, options.FlagNames = map[string]string{}, map[string]string{}

	set := flag.NewFlagSet(c.Name, flag.ContinueOnError)
	set.SetOutput(io.Discard)
	set.StringVar(&options.File, "config", options.File, "")
	version := set.Bool("version", false, "")
	healthcheck := set.Bool("healthcheck", false, "")
	for _, f := range c.Flags {
		options.FlagNames[f.Key] = "--" + f.Name
		set.Func(f.Name, "", func(value string) error {
			options.Flags[f.Key] = value
			return nil
		})
	}
	switch err := set.Parse(process.Args); {
	case errors.Is(err, flag.ErrHelp):
		c.help(process.Stdout)
		return options, err
	case err != nil:
		return options, err
	case *version:
		return options, errVersion
	case set.NArg() > 0:
		return options, fmt.Errorf("unexpected argument %q", set.Arg(0))
	case *healthcheck:
		return options, errHealthcheck
	}
	return options, nil
}

func (c Command) help(out io.Writer) {
	fmt.Fprintf(out, "%s\n\nUsage: %s [flags]\n\n", c.About, c.Name)
	flags := append([]Flag{
		{Name: "config", Help: "the configuration file; sluice.yaml by default, where there is one"},
		{Name: "version", Help: "print the version"},
		{Name: "healthcheck", Help: "ask the one that runs at admin.listen whether it is ready; the exit code tells"},
	}, c.Flags...)
	for _, f := range flags {
		fmt.Fprintf(out, "  --%-15s %s\n", f.Name, f.Help)
	}
	fmt.Fprintf(out, "\nEvery key of the configuration is also a variable, such as SLUICE_NATS_URL for nats.url.\n"+
		"See all with: sluice config keys\n")
}
